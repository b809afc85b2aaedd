package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// groupRecord is a log group.
type groupRecord struct {
	ID        uint64            `cbor:"1,keyasint"`
	Created   int64             `cbor:"2,keyasint"` // milliseconds
	Retention int32             `cbor:"3,keyasint,omitempty"`
	Key       string            `cbor:"4,keyasint,omitempty"` // ARN of its KMS key
	Class     string            `cbor:"5,keyasint"`
	Tags      map[string]string `cbor:"6,keyasint,omitempty"`
	Protected bool              `cbor:"7,keyasint,omitempty"`
}

const groupVersion = 1

func groupARN(id aws.Identity, name string) string {
	return aws.MakeARN(service, id.Region, id.Account, "log-group:"+name).String()
}

// nameFromARN takes the name out of arn:aws:logs:R:A:log-group:NAME, with or without ":*" after it. It is "", which no
// group is called, when the ARN is of another account or region.
func nameFromARN(id aws.Identity, arn string) string {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Service != service || a.Account != id.Account || a.Region != id.Region {
		return ""
	}
	name, ok := strings.CutPrefix(a.Resource, "log-group:")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(name, ":*")
}

// identified is the group's name from the two ways in which a request may give it: a name, or a name or ARN.
func identified(id aws.Identity, name, identifier *string) string {
	switch {
	case name != nil:
		return *name
	case identifier == nil:
		return ""
	case strings.HasPrefix(*identifier, "arn:"):
		return nameFromARN(id, *identifier)
	}
	return *identifier
}

// oneName is identified for operations that need exactly one of the two.
func oneName(id aws.Identity, name, identifier *string) (string, error) {
	if (name == nil) == (identifier == nil) {
		return "", badParameter("You must specify either logGroupName or logGroupIdentifier, but not both.")
	}
	return identified(id, name, identifier), nil
}

func readGroup(r store.Reader, id aws.Identity, name string) (g groupRecord, err error) {
	v, ok, err := r.Get(groupPrefix(id.Account, id.Region).Text(name))
	if err != nil {
		return g, err
	}
	if !ok {
		return g, groupMissing()
	}
	return g, record.Decode(v, groupVersion, &g)
}

func writeGroup(tx store.Tx, id aws.Identity, name string, g groupRecord) {
	tx.Set(groupPrefix(id.Account, id.Region).Text(name), record.Encode(groupVersion, g))
}

// find looks a group up and says where its contents lie.
func (s *Service) find(ctx context.Context, id aws.Identity, name string) (groupRecord, place, error) {
	g, err := store.View(ctx, s.home(id), func(_ context.Context, r store.Reader) (groupRecord, error) {
		return readGroup(r, id, name)
	})
	return g, placeOf(id.Account, id.Region, g.ID), err
}

// change reads a group, lets f change it, and writes it back.
func (s *Service) change(ctx context.Context, id aws.Identity, name string, f func(store.Tx, *groupRecord) error) error {
	_, err := s.home(id).Update(ctx, func(_ context.Context, tx store.Tx) error {
		g, err := readGroup(tx, id, name)
		if err != nil {
			return err
		}
		if err := f(tx, &g); err != nil {
			return err
		}
		writeGroup(tx, id, name, g)
		return nil
	})
	return err
}

// CreateLogGroup makes a group. Its shard is made ready before its name is published, so that who finds the name finds
// the rest.
func (s *Service) CreateLogGroup(ctx context.Context, id aws.Identity, in *logsapi.CreateLogGroupRequest) (*logsapi.CreateLogGroupOutput, error) {
	g := groupRecord{Class: string(in.LogGroupClass), Tags: in.Tags}
	if g.Class == "" {
		g.Class = string(logsapi.LogGroupClassStandard)
	}
	if in.DeletionProtectionEnabled != nil {
		g.Protected = *in.DeletionProtectionEnabled
	}
	if in.KmsKeyId != nil {
		if err := s.checkKey(ctx, id, in.LogGroupName, *in.KmsKeyId); err != nil {
			return nil, err
		}
		g.Key = *in.KmsKeyId
	}
	var err error
	g.ID, err = store.Update(ctx, s.home(id), func(_ context.Context, tx store.Tx) (uint64, error) {
		if err := absentGroup(tx, id, in.LogGroupName); err != nil {
			return 0, err
		}
		return store.NextID(tx, home(id.Account, id.Region).Text("ids"))
	})
	if err != nil {
		return nil, err
	}
	p := placeOf(id.Account, id.Region, g.ID)
	if _, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Set(p.alive(), nil)
		return nil
	}); err != nil {
		return nil, err
	}
	_, err = s.home(id).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := absentGroup(tx, id, in.LogGroupName); err != nil {
			return err
		}
		g.Created = millis(tx.Now())
		writeGroup(tx, id, in.LogGroupName, g)
		return nil
	})
	return &logsapi.CreateLogGroupOutput{}, err
}

func absentGroup(tx store.Tx, id aws.Identity, name string) error {
	_, there, err := tx.Get(groupPrefix(id.Account, id.Region).Text(name))
	if err == nil && there {
		err = &logsapi.ResourceAlreadyExistsException{Message: "The specified log group already exists"}
	}
	return err
}

// checkKey asks KMS, as CloudWatch Logs itself, for a data key: the key's policy must allow that.
func (s *Service) checkKey(ctx context.Context, id aws.Identity, group, key string) error {
	as := aws.ForService("logs."+id.Region+".amazonaws.com", id.Account, id.Region, groupARN(id, group), id.Request)
	_, err := kmsapi.NewClient(s.Caller).GenerateDataKey(ctx, as, &kmsapi.GenerateDataKeyRequest{
		KeyId: key, KeySpec: kmsapi.DataKeySpecAes256,
		EncryptionContext: map[string]string{"aws:logs:arn": groupARN(id, group)},
	})
	if err != nil {
		return badParameter(fmt.Sprintf("The specified KMS key does not exist or is not allowed to be used with LogGroup '%s'",
			groupARN(id, group)))
	}
	return nil
}

// DeleteLogGroup takes the name away and promises to erase the rest.
func (s *Service) DeleteLogGroup(ctx context.Context, id aws.Identity, in *logsapi.DeleteLogGroupRequest) (*logsapi.DeleteLogGroupOutput, error) {
	_, err := s.home(id).Update(ctx, func(_ context.Context, tx store.Tx) error {
		g, err := readGroup(tx, id, in.LogGroupName)
		if err != nil {
			return err
		}
		if g.Protected {
			return &logsapi.ValidationException{Message: "The log group is protected against deletion. Disable deletion protection first."}
		}
		tx.Delete(groupPrefix(id.Account, id.Region).Text(in.LogGroupName))
		return s.promise(tx, kindErase, refTo(id, in.LogGroupName, g), time.Time{})
	})
	return &logsapi.DeleteLogGroupOutput{}, err
}

// PutRetentionPolicy sets for how many days events are kept.
func (s *Service) PutRetentionPolicy(ctx context.Context, id aws.Identity, in *logsapi.PutRetentionPolicyRequest) (*logsapi.PutRetentionPolicyOutput, error) {
	if !slices.Contains(retentionDays, in.RetentionInDays) {
		return nil, badParameter(fmt.Sprintf("Invalid retention value %d. Valid values are: [%s]", in.RetentionInDays,
			strings.Join(strings.Fields(strings.Trim(fmt.Sprint(retentionDays), "[]")), ", ")))
	}
	err := s.change(ctx, id, in.LogGroupName, func(tx store.Tx, g *groupRecord) error {
		g.Retention = in.RetentionInDays
		return s.promise(tx, kindSweep, refTo(id, in.LogGroupName, *g), tx.Now().Add(sweepInterval))
	})
	return &logsapi.PutRetentionPolicyOutput{}, err
}

// DeleteRetentionPolicy lets events be kept for ever.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, id aws.Identity, in *logsapi.DeleteRetentionPolicyRequest) (*logsapi.DeleteRetentionPolicyOutput, error) {
	err := s.change(ctx, id, in.LogGroupName, func(tx store.Tx, g *groupRecord) error {
		g.Retention = 0
		_, err := timer.Cancel(tx, kindSweep, refTo(id, in.LogGroupName, *g).id())
		return err
	})
	return &logsapi.DeleteRetentionPolicyOutput{}, err
}

// AssociateKmsKey gives a group a key.
func (s *Service) AssociateKmsKey(ctx context.Context, id aws.Identity, in *logsapi.AssociateKmsKeyRequest) (*logsapi.AssociateKmsKeyOutput, error) {
	name, err := oneName(id, in.LogGroupName, in.ResourceIdentifier)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.find(ctx, id, name); err != nil {
		return nil, err
	}
	if err := s.checkKey(ctx, id, name, in.KmsKeyId); err != nil {
		return nil, err
	}
	err = s.change(ctx, id, name, func(_ store.Tx, g *groupRecord) error { g.Key = in.KmsKeyId; return nil })
	return &logsapi.AssociateKmsKeyOutput{}, err
}

// DisassociateKmsKey takes a group's key away.
func (s *Service) DisassociateKmsKey(ctx context.Context, id aws.Identity, in *logsapi.DisassociateKmsKeyRequest) (*logsapi.DisassociateKmsKeyOutput, error) {
	name, err := oneName(id, in.LogGroupName, in.ResourceIdentifier)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, id, name, func(_ store.Tx, g *groupRecord) error { g.Key = ""; return nil })
	return &logsapi.DisassociateKmsKeyOutput{}, err
}
