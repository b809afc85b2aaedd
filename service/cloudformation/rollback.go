package cloudformation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// ContinueUpdateRollback takes a stack whose way back failed further on that way, without those resources that are to be
// skipped: they count as having come back.
func (s *Service) ContinueUpdateRollback(ctx context.Context, id aws.Identity, in *cloudformationapi.ContinueUpdateRollbackInput) (*cloudformationapi.ContinueUpdateRollbackOutput, error) {
	p := at(id)
	_, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		st, err := findStack(tx, p, in.StackName)
		if err != nil {
			return inBrackets(in.StackName, err)
		}
		if again(st, in.ClientRequestToken) {
			return nil
		}
		if !st.is(cloudformationapi.StackStatusUpdateRollbackFailed) {
			return invalid("Stack:%s is in %s state and can not continue rolling back.", st.id(p), st.Status)
		}
		resume(st, id, tx, in.RoleARN, in.ClientRequestToken)
		for _, logical := range in.ResourcesToSkip {
			if err := skip(tx, p, st, logical); err != nil {
				return err
			}
		}
		st.Phase, st.Target = applying, st.Current
		return s.move(tx, p, st, cloudformationapi.StackStatusUpdateRollbackInProgress, "User Initiated")
	})
	return &cloudformationapi.ContinueUpdateRollbackOutput{}, err
}

// again reports whether a request is the one that the stack is on already.
func again(st *stackRecord, token *string) bool {
	return token != nil && *token == st.Token && st.busy()
}

// resume begins another operation on a stack that has stopped on its way.
func resume(st *stackRecord, id aws.Identity, tx store.Tx, role, token *string) {
	st.Operation++
	st.As, st.Began, st.Failing, st.Token, st.Timeout = id, tx.Now(), false, textOr(token), 0
	if role != nil {
		st.Role = *role
	}
}

// skip lets a resource count as done.
func skip(tx store.Tx, p place, st *stackRecord, logical string) error {
	rec, err := readResource(tx, p, st.UUID, logical)
	if err != nil {
		return err
	}
	if rec == nil || rec.State != failed {
		return invalid("The resource [%s] is not in a state that can be skipped: only resources in UPDATE_FAILED are", logical)
	}
	rec.Operation, rec.State = st.Operation, done
	if err := resourceEvent(tx, p, st, rec, string(cloudformationapi.ResourceStatusUpdateComplete), "Resource skipped by user request"); err != nil {
		return err
	}
	return writeResource(tx, p, st.UUID, rec)
}

// CancelUpdateStack turns an update round.
func (s *Service) CancelUpdateStack(ctx context.Context, id aws.Identity, in *cloudformationapi.CancelUpdateStackInput) (*cloudformationapi.CancelUpdateStackOutput, error) {
	p := at(id)
	_, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		st, err := findStack(tx, p, in.StackName)
		if err != nil {
			return inBrackets(in.StackName, err)
		}
		if in.ClientRequestToken != nil && st.Cancelled == *in.ClientRequestToken {
			return nil
		}
		if !st.is(cloudformationapi.StackStatusUpdateInProgress) {
			return invalid("CancelUpdateStack cannot be called from current stack status")
		}
		// What runs comes to its end first: the driver sees that the operation is over.
		st.Failing, st.Turned, st.NoRollback, st.Cancelled = true, true, false, textOr(in.ClientRequestToken)
		writeStack(tx, p, st)
		all, err := allResources(tx, p, st.UUID)
		if err != nil {
			return err
		}
		d := &driver{Service: s, tx: tx, p: p, st: st, all: all}
		if err := d.cancel(); err != nil {
			return err
		}
		return promiseDrive(tx, p, st.UUID, "", time.Time{})
	})
	return &cloudformationapi.CancelUpdateStackOutput{}, err
}

// RollbackStack takes a stack back that stayed where an operation failed, because it was not to go back by itself.
func (s *Service) RollbackStack(ctx context.Context, id aws.Identity, in *cloudformationapi.RollbackStackInput) (*cloudformationapi.RollbackStackOutput, error) {
	p := at(id)
	arn, err := store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (string, error) {
		st, err := findStack(tx, p, in.StackName)
		if err != nil {
			return "", inBrackets(in.StackName, err)
		}
		if again(st, in.ClientRequestToken) {
			return st.id(p), nil
		}
		if !slices.Contains([]cloudformationapi.StackStatus{cloudformationapi.StackStatusCreateFailed, cloudformationapi.StackStatusUpdateFailed},
			cloudformationapi.StackStatus(st.Status)) {
			return "", invalid("Stack:%s is in %s state and can not be rolled back.", st.id(p), st.Status)
		}
		resume(st, id, tx, in.RoleARN, in.ClientRequestToken)
		st.NoRollback, st.OnFailure, st.KeepNothing = false, "", is(in.RetainExceptOnCreate)
		status := cloudformationapi.StackStatusUpdateRollbackInProgress
		if strings.HasPrefix(st.Status, "CREATE") {
			st.Phase, status = deleting, cloudformationapi.StackStatusRollbackInProgress
		} else {
			st.Phase, st.Target = applying, st.Current
		}
		return st.id(p), s.move(tx, p, st, status, "User Initiated")
	})
	return &cloudformationapi.RollbackStackOutput{StackId: &arn}, err
}
