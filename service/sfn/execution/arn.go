package execution

import (
	"strings"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/machine"
)

// ParseARN reads the ARN of an execution of a standard machine: that machine, and the execution's name. Errors are InvalidArn.
func ParseARN(arn string) (machine.Ref, string, error) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Partition != aws.Partition || a.Service != "states" || a.Region == "" || a.Account == "" {
		return machine.Ref{}, "", machine.InvalidARN("Invalid ARN prefix: " + arn)
	}
	kind, rest, _ := strings.Cut(a.Resource, ":")
	if kind != "execution" {
		return machine.Ref{}, "", machine.InvalidARN("Resource type not valid in this context: " + kind)
	}
	m, name, ok := strings.Cut(rest, ":")
	if !ok || name == "" || strings.ContainsAny(name, ":/") {
		return machine.Ref{}, "", machine.InvalidARN("Invalid ARN: " + arn)
	}
	if named, label, child := strings.Cut(m, "/"); child {
		m, name = named, label+"/"+name
	}
	return machine.Ref{Place: machine.Place{Account: a.Account, Region: a.Region}, Name: m}, name, nil
}

// ParseMapRun reads the ARN of a map run: the machine, and the label of its Map state. Errors are InvalidArn.
func ParseMapRun(arn string) (machine.Ref, string, error) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Partition != aws.Partition || a.Service != "states" || a.Region == "" || a.Account == "" {
		return machine.Ref{}, "", machine.InvalidARN("Invalid ARN prefix: " + arn)
	}
	kind, rest, _ := strings.Cut(a.Resource, ":")
	if kind != "mapRun" {
		return machine.Ref{}, "", machine.InvalidARN("Resource type not valid in this context: " + kind)
	}
	m, id, ok := strings.Cut(rest, ":")
	name, label, labelled := strings.Cut(m, "/")
	if !ok || !labelled || name == "" || label == "" || id == "" || strings.Contains(id, ":") {
		return machine.Ref{}, "", machine.InvalidARN("Invalid ARN: " + arn)
	}
	return machine.Ref{Place: machine.Place{Account: a.Account, Region: a.Region}, Name: name}, label, nil
}

// notFound is the error for an execution that is not there.
func notFound(arn string) error {
	return &sfnapi.ExecutionDoesNotExist{Message: "Execution Does Not Exist: '" + arn + "'"}
}

// newMapRun makes the ARN of a map run. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-examine-map-run.html
func newMapRun(ref Ref, label string, seed [2]uint64, seq int64) string {
	return aws.MakeARN("states", ref.Region, ref.Account, "mapRun:"+ref.Spot.Name+"/"+label+":"+uuidOf(seed, seq)).String()
}
