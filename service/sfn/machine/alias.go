package machine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// unrouted is the error of a routing configuration.
func unrouted(why string, list []sfnapi.RoutingConfigurationListItem) error {
	var arns []string
	for _, r := range list {
		arns = append(arns, fmt.Sprintf("{%s: %d}", r.StateMachineVersionArn, r.Weight))
	}
	return &sfnapi.ValidationException{Message: why + " Received: [" + strings.Join(arns, ", ") + "]",
		Reason: sfnapi.ValidationExceptionReasonInvalidRoutingConfiguration}
}

// routing reads a routing configuration: the machine that its versions are of, and the routes.
func routing(list []sfnapi.RoutingConfigurationListItem) (ref Ref, routes []route, err error) {
	var sum int32
	for i, item := range list {
		r, n, err := versionOf(item.StateMachineVersionArn)
		switch {
		case err != nil:
			return ref, nil, err
		case i > 0 && r != ref:
			return ref, nil, unrouted("Routing configuration must contain versions of the same state machine.", list)
		case i > 0 && routes[0].Version == n:
			return ref, nil, unrouted("Routing configuration must contain distinct state machine version ARNs.", list)
		}
		ref, routes, sum = r, append(routes, route{n, item.Weight}), sum+item.Weight
	}
	if sum != 100 {
		return ref, nil, unrouted("Sum of routing configuration weights must equal 100.", list)
	}
	return ref, routes, nil
}

func missing() error {
	return &sfnapi.ResourceNotFound{Message: "Request references a resource that does not exist."}
}

// count notes in the versions that routes lead to them, or do so no longer.
func count(tx store.Tx, at Spot, routes []route, by int64) error {
	for _, to := range routes {
		v, there, err := read[versionRecord](tx, at.versionKey(to.Version))
		if err != nil {
			return err
		}
		if !there {
			return missing()
		}
		v.Aliases += by
		write(tx, at.versionKey(to.Version), v)
	}
	return nil
}

// referring are the aliases that route to a version.
func referring(r store.Reader, at Spot, n int64) (names []string, err error) {
	prefix := at.aliases()
	pairs, done := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		var a aliasRecord
		if err := record.Decode(kv.Value, version, &a); err != nil {
			return nil, err
		}
		if a.leadsTo(n) {
			names = append(names, store.Decode(kv.Key, len(prefix)).Text())
		}
	}
	return names, done()
}

func (a *aliasRecord) leadsTo(n int64) bool {
	return slices.ContainsFunc(a.Routes, func(r route) bool { return r.Version == n })
}

// CreateStateMachineAlias makes an alias, or finds the one there is when it is the same.
func (m *Machines) CreateStateMachineAlias(ctx context.Context, _ aws.Identity, in *sfnapi.CreateStateMachineAliasInput) (*sfnapi.CreateStateMachineAliasOutput, error) {
	ref, routes, err := routing(in.RoutingConfiguration)
	if err != nil {
		return nil, err
	}
	return store.Update(ctx, m.home(ref.Place), func(_ context.Context, tx store.Tx) (*sfnapi.CreateStateMachineAliasOutput, error) {
		rec, err := ref.alive(tx)
		if err != nil {
			if aws.CodeOf(err) == "StateMachineDoesNotExist" {
				err = missing()
			}
			return nil, err
		}
		at := Spot{ref, rec.ID}
		out := &sfnapi.CreateStateMachineAliasOutput{StateMachineAliasArn: ref.Qualified(in.Name)}
		a, there, err := read[aliasRecord](tx, at.alias(in.Name))
		if err != nil {
			return nil, err
		}
		if there {
			if a.Description != aws.Or(in.Description, "") || !slices.Equal(a.Routes, routes) {
				return nil, conflict("Failed to create alias because an alias with the same name and a different routing configuration already exists.")
			}
			out.CreationDate = a.Created
			return out, nil
		}
		if rec.Aliases >= maxAliases {
			return nil, &sfnapi.ServiceQuotaExceededException{Message: fmt.Sprintf("A maximum of %d aliases can be created for a state machine: '%s'", maxAliases, ref.ARN())}
		}
		if err := count(tx, at, routes, 1); err != nil {
			return nil, err
		}
		now := tx.Now().Truncate(time.Millisecond)
		write(tx, at.alias(in.Name), aliasRecord{Created: now, Updated: now, Description: aws.Or(in.Description, ""), Routes: routes})
		rec.Aliases++
		ref.change(tx, &rec)
		out.CreationDate = now
		return out, nil
	})
}

// aliasOf reads the ARN of an alias.
func aliasOf(arn string) (Ref, string, error) {
	n, err := ParseARN(arn)
	if err != nil {
		return Ref{}, "", err
	}
	if _, isVersion := IsVersion(n.Qualifier); n.Qualifier == "" || isVersion || n.Label != "" {
		return Ref{}, "", invalid("The operation takes the ARN of a state machine alias: '" + arn + "'")
	}
	return n.Ref, n.Qualifier, nil
}

// readAlias reads an alias that has to be there, and its machine.
func readAlias(r store.Reader, ref Ref, name string) (rec machineRecord, a aliasRecord, err error) {
	rec, there, err := read[machineRecord](r, ref.key())
	if err == nil && there {
		a, there, err = read[aliasRecord](r, Spot{ref, rec.ID}.alias(name))
	}
	if err == nil && !there {
		err = missing()
	}
	return rec, a, err
}

// UpdateStateMachineAlias changes what an alias routes to, or its description.
func (m *Machines) UpdateStateMachineAlias(ctx context.Context, _ aws.Identity, in *sfnapi.UpdateStateMachineAliasInput) (*sfnapi.UpdateStateMachineAliasOutput, error) {
	ref, name, err := aliasOf(in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	if in.Description == nil && in.RoutingConfiguration == nil {
		return nil, &sfnapi.ValidationException{Message: "Either the description or the routing configuration must be specified", Reason: sfnapi.ValidationExceptionReasonMissingRequiredParameter}
	}
	var routes []route
	if in.RoutingConfiguration != nil {
		var of Ref
		if of, routes, err = routing(in.RoutingConfiguration); err != nil {
			return nil, err
		}
		if of != ref {
			return nil, unrouted("Routing configuration must contain versions of the state machine of the alias.", in.RoutingConfiguration)
		}
	}
	return store.Update(ctx, m.home(ref.Place), func(_ context.Context, tx store.Tx) (*sfnapi.UpdateStateMachineAliasOutput, error) {
		rec, a, err := readAlias(tx, ref, name)
		if err != nil {
			return nil, err
		}
		if rec.Deleting {
			return nil, Deleting(ref.ARN())
		}
		at := Spot{ref, rec.ID}
		if routes != nil {
			if err := count(tx, at, routes, 1); err != nil {
				return nil, err
			}
			if err := count(tx, at, a.Routes, -1); err != nil {
				return nil, err
			}
			a.Routes = routes
		}
		a.Description, a.Updated = aws.Or(in.Description, a.Description), tx.Now().Truncate(time.Millisecond)
		write(tx, at.alias(name), a)
		ref.change(tx, &rec)
		return &sfnapi.UpdateStateMachineAliasOutput{UpdateDate: a.Updated}, nil
	})
}

// DescribeStateMachineAlias tells what an alias routes to.
func (m *Machines) DescribeStateMachineAlias(ctx context.Context, _ aws.Identity, in *sfnapi.DescribeStateMachineAliasInput) (*sfnapi.DescribeStateMachineAliasOutput, error) {
	ref, name, err := aliasOf(in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, m.home(ref.Place), func(_ context.Context, r store.Reader) (*sfnapi.DescribeStateMachineAliasOutput, error) {
		_, a, err := readAlias(r, ref, name)
		if err != nil {
			return nil, err
		}
		out := &sfnapi.DescribeStateMachineAliasOutput{StateMachineAliasArn: &in.StateMachineAliasArn, Name: &name,
			Description: aws.Some(a.Description), CreationDate: &a.Created, UpdateDate: &a.Updated}
		for _, to := range a.Routes {
			out.RoutingConfiguration = append(out.RoutingConfiguration, sfnapi.RoutingConfigurationListItem{StateMachineVersionArn: ref.version(to.Version), Weight: to.Weight})
		}
		return out, nil
	})
}

// DeleteStateMachineAlias takes an alias away.
func (m *Machines) DeleteStateMachineAlias(ctx context.Context, _ aws.Identity, in *sfnapi.DeleteStateMachineAliasInput) (*sfnapi.DeleteStateMachineAliasOutput, error) {
	ref, name, err := aliasOf(in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	_, err = m.home(ref.Place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, a, err := readAlias(tx, ref, name)
		if err != nil {
			return err
		}
		at := Spot{ref, rec.ID}
		if err := count(tx, at, a.Routes, -1); err != nil {
			return err
		}
		tx.Delete(at.alias(name))
		rec.Aliases--
		ref.change(tx, &rec)
		return nil
	})
	return &sfnapi.DeleteStateMachineAliasOutput{}, err
}

// ListStateMachineAliases lists the aliases of a machine, or those that route to a version.
func (m *Machines) ListStateMachineAliases(ctx context.Context, _ aws.Identity, in *sfnapi.ListStateMachineAliasesInput) (*sfnapi.ListStateMachineAliasesOutput, error) {
	n, err := ParseARN(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	of, isVersion := IsVersion(n.Qualifier)
	if n.Label != "" || n.Qualifier != "" && !isVersion {
		return nil, InvalidARN("Resource type not valid in this context: " + in.StateMachineArn)
	}
	return store.View(ctx, m.home(n.Place), func(_ context.Context, r store.Reader) (*sfnapi.ListStateMachineAliasesOutput, error) {
		rec, there, err := read[machineRecord](r, n.key())
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, NotFound(in.StateMachineArn)
		}
		p, err := pageOf(in.MaxResults, in.NextToken)
		if err != nil {
			return nil, err
		}
		out := &sfnapi.ListStateMachineAliasesOutput{StateMachineAliases: []sfnapi.StateMachineAliasListItem{}}
		err = p.Each(r, Spot{n.Ref, rec.ID}.aliases(), func(name string, b store.Value) (bool, error) {
			var a aliasRecord
			if err := record.Decode(b, version, &a); err != nil || isVersion && !a.leadsTo(of) {
				return false, err
			}
			out.StateMachineAliases = append(out.StateMachineAliases, sfnapi.StateMachineAliasListItem{StateMachineAliasArn: n.Qualified(name), CreationDate: a.Created})
			return true, nil
		})
		out.NextToken = p.Token()
		return out, err
	})
}
