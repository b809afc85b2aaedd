package lambda

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/layer"
)

// timeFormat is how Lambda writes LastModified.
const timeFormat = "2006-01-02T15:04:05.000-0700"

// describe renders a version as the API shows it under arn.
func (c *config) describe(p place, arn string) *lambdaapi.FunctionConfiguration {
	version, modified := c.version(), c.Modified.UTC().Format(timeFormat)
	out := &lambdaapi.FunctionConfiguration{
		FunctionName: &p.Name, FunctionArn: &arn, Runtime: lambdaapi.Runtime(c.Runtime), Role: &c.Role,
		CodeSize: &c.Package.Size, Description: &c.Description, Timeout: &c.Timeout, MemorySize: &c.MemoryMB,
		LastModified: &modified, CodeSha256: &c.Package.SHA256, Version: &version, RevisionId: &c.Revision,
		TracingConfig: &lambdaapi.TracingConfigResponse{Mode: lambdaapi.TracingMode(c.Tracing)},
		State:         lambdaapi.State(c.State), LastUpdateStatus: lambdaapi.LastUpdateStatus(c.Update),
		PackageType: lambdaapi.PackageTypeZip, Architectures: []lambdaapi.Architecture{lambdaapi.Architecture(c.Arch)},
		EphemeralStorage: &lambdaapi.EphemeralStorage{Size: c.TmpMB},
		SnapStart: &lambdaapi.SnapStartResponse{ApplyOn: lambdaapi.SnapStartApplyOnNone,
			OptimizationStatus: lambdaapi.SnapStartOptimizationStatusOff},
		RuntimeVersionConfig: &lambdaapi.RuntimeVersionConfig{RuntimeVersionArn: aws.Some(runtimeARN(p.Region, c.Runtime))},
		LoggingConfig:        c.Logging.describe(), Layers: layer.Describe(c.Layers),
		Handler: aws.Some(c.Handler), KMSKeyArn: aws.Some(c.Key),
		StateReason: aws.Some(c.StateReason), StateReasonCode: lambdaapi.StateReasonCode(c.StateCode),
		LastUpdateStatusReason:     aws.Some(c.UpdateReason),
		LastUpdateStatusReasonCode: lambdaapi.LastUpdateStatusReasonCode(c.UpdateCode),
	}
	if c.SnapStart != "" {
		out.SnapStart.ApplyOn = lambdaapi.SnapStartApplyOn(c.SnapStart)
	}
	if c.HasEnv {
		out.Environment = &lambdaapi.EnvironmentResponse{Variables: c.Env}
		if c.Env == nil {
			out.Environment.Variables = map[string]string{}
		}
	}
	if c.DeadLetter != "" {
		out.DeadLetterConfig = &lambdaapi.DeadLetterConfig{TargetArn: &c.DeadLetter}
	}
	if n := c.Network; n != nil {
		out.VpcConfig = &lambdaapi.VpcConfigResponse{SubnetIds: n.Subnets, SecurityGroupIds: n.Groups,
			VpcId: new(string), Ipv6AllowedForDualStack: &n.IPv6}
	}
	return out
}

func (l logging) describe() *lambdaapi.LoggingConfig {
	return &lambdaapi.LoggingConfig{LogFormat: lambdaapi.LogFormat(l.Format), LogGroup: &l.Group,
		ApplicationLogLevel: lambdaapi.ApplicationLogLevel(l.Application), SystemLogLevel: lambdaapi.SystemLogLevel(l.System)}
}

// brief is describe as lists show it: without the state.
func (c *config) brief(p place, arn string) lambdaapi.FunctionConfiguration {
	out := c.describe(p, arn)
	out.State, out.StateReason, out.StateReasonCode = "", nil, ""
	out.LastUpdateStatus, out.LastUpdateStatusReason, out.LastUpdateStatusReasonCode = "", nil, ""
	out.RuntimeVersionConfig = nil
	return *out
}

// runtimeARN names a runtime version, as AWS does by a hash: here of the runtime's id.
func runtimeARN(region, runtime string) string {
	sum := sha256.Sum256([]byte("brume " + runtime))
	return "arn:aws:lambda:" + region + "::runtime:" + hex.EncodeToString(sum[:])
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// touch marks a change at a time: of settings, or of what environments are made from.
func (c *config) touch(now time.Time, revision string, environments bool) {
	c.Modified, c.Revision = now, revision
	if environments {
		c.Epoch = revision
	}
}
