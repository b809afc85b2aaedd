package kms

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// aliasRecord is an alias.
type aliasRecord struct {
	Key     string    `cbor:"1,keyasint"`
	Created time.Time `cbor:"2,keyasint"`
	Updated time.Time `cbor:"3,keyasint"`
}

const aliasVersion = 1

// reserved is how the aliases of AWS managed keys begin.
const reserved = "alias/aws/"

func aliasARN(account, region, name string) string {
	return aws.MakeARN(service, region, account, name).String()
}

func aliasKey(account, region, name string) store.Tuple {
	return aliasPrefix(account, region).Text(strings.TrimPrefix(name, "alias/"))
}

func readAlias(r store.Reader, account, region, name string) (a aliasRecord, ok bool, err error) {
	v, ok, err := r.Get(aliasKey(account, region, name))
	if err != nil || !ok {
		return a, false, err
	}
	return a, true, record.Decode(v, aliasVersion, &a)
}

func writeAlias(tx store.Tx, account, region, name string, a aliasRecord) {
	tx.Set(aliasKey(account, region, name), record.Encode(aliasVersion, a))
	tx.Set(ofPrefix(account, region, a.Key).Text(strings.TrimPrefix(name, "alias/")), nil)
}

// use finds the key of a KeyId; the AWS managed key behind alias/aws/… is made at its first use, as AWS makes it.
func (s *Service) use(ctx context.Context, id aws.Identity, named string) (key, error) {
	k, err := s.find(ctx, id, named)
	account, region, name, whereErr := where(id, named)
	if aws.CodeOf(err) != "NotFoundException" || whereErr != nil || !strings.HasPrefix(name, reserved) || account != id.Account {
		return k, err
	}
	fresh, err := s.newKey(id, managedPolicy(id, strings.TrimPrefix(name, reserved)))
	if err != nil {
		return k, err
	}
	fresh.AWSManaged = true
	fresh.Description = "Default key that protects my " + strings.TrimPrefix(name, reserved) + " data when no other key is defined"
	return store.Update(ctx, s.shard(account, region), func(_ context.Context, tx store.Tx) (key, error) {
		k, err := readKey(tx, account, region, name)
		if aws.CodeOf(err) != "NotFoundException" {
			return k, err
		}
		k = fresh
		k.Created = tx.Now()
		k.Rotates, k.Period, k.NextRotated = true, rotationDays, tx.Now().AddDate(0, 0, rotationDays)
		writeKey(tx, k)
		writeAlias(tx, account, region, name, aliasRecord{k.id, k.Created, k.Created})
		return k, setPromise(tx, kindRotate, k, k.NextRotated)
	})
}

// managedPolicy lets everybody in the account use the key by way of its service, and look at it.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk
func managedPolicy(id aws.Identity, svc string) string {
	return `{"Version":"2012-10-17","Id":"auto-` + svc + `-1","Statement":[{"Sid":"Allow access through ` + svc + ` for all principals in the account that are authorized to use ` + svc + `","Effect":"Allow",` +
		`"Principal":{"AWS":"*"},"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:CreateGrant","kms:DescribeKey"],"Resource":"*",` +
		`"Condition":{"StringEquals":{"kms:CallerAccount":"` + id.Account + `","kms:ViaService":"` + endpointOf(svc, id.Region) + `"}}},{"Sid":"Allow direct access to key metadata to the account","Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::` + id.Account + `:root"},"Action":["kms:Describe*","kms:Get*","kms:List*","kms:RevokeGrant"],"Resource":"*"}]}`
}

func checkAlias(name string) error {
	switch rest, ok := strings.CutPrefix(name, "alias/"); {
	case !ok:
		return invalid("Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
	case rest == "" || strings.Contains(rest, ":"):
		return invalid("Alias must not be empty and must not contain a colon")
	case strings.HasPrefix(name, reserved):
		return &kmsapi.InvalidAliasNameException{Message: "The alias name must not begin with alias/aws/, which is reserved for AWS managed keys"}
	}
	return nil
}

// CreateAlias gives a key a name.
func (s *Service) CreateAlias(ctx context.Context, id aws.Identity, in *kmsapi.CreateAliasRequest) (*kmsapi.CreateAliasOutput, error) {
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, id, in.TargetKeyId, func(tx store.Tx, k *key) error {
		if err := cmp.Or(k.customer(), k.pending()); err != nil {
			return err
		}
		if _, there, err := readAlias(tx, k.account, k.region, in.AliasName); err != nil || there {
			return cmp.Or[error](err, &kmsapi.AlreadyExistsException{Message: "An alias with the name " +
				aliasARN(k.account, k.region, in.AliasName) + " already exists"})
		}
		names, err := aliasesOf(tx, k.account, k.region, k.id)
		if err == nil && len(names) >= maxAliases {
			err = &kmsapi.LimitExceededException{Message: "The key has the most aliases that it may have"}
		}
		writeAlias(tx, k.account, k.region, in.AliasName, aliasRecord{k.id, tx.Now(), tx.Now()})
		return err
	})
	return &kmsapi.CreateAliasOutput{}, err
}

// aliasesOf are the names of a key's aliases, without "alias/".
func aliasesOf(r store.Reader, account, region, id string) (names []string, err error) {
	prefix := ofPrefix(account, region, id)
	pairs, done := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		names = append(names, store.Decode(kv.Key, len(prefix)).Text())
	}
	return names, done()
}

// UpdateAlias gives a name to another key.
func (s *Service) UpdateAlias(ctx context.Context, id aws.Identity, in *kmsapi.UpdateAliasRequest) (*kmsapi.UpdateAliasOutput, error) {
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, id, in.TargetKeyId, func(tx store.Tx, k *key) error {
		if err := cmp.Or(k.customer(), k.pending()); err != nil {
			return err
		}
		a, there, err := readAlias(tx, k.account, k.region, in.AliasName)
		if err != nil || !there {
			return cmp.Or(err, notFound("Alias %s is not found.", aliasARN(k.account, k.region, in.AliasName)))
		}
		tx.Delete(ofPrefix(k.account, k.region, a.Key).Text(strings.TrimPrefix(in.AliasName, "alias/")))
		writeAlias(tx, k.account, k.region, in.AliasName, aliasRecord{k.id, a.Created, tx.Now()})
		return nil
	})
	return &kmsapi.UpdateAliasOutput{}, err
}

// DeleteAlias takes a name away; the key stays.
func (s *Service) DeleteAlias(ctx context.Context, id aws.Identity, in *kmsapi.DeleteAliasRequest) (*kmsapi.DeleteAliasOutput, error) {
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	_, err := s.shard(id.Account, id.Region).Update(ctx, func(_ context.Context, tx store.Tx) error {
		a, there, err := readAlias(tx, id.Account, id.Region, in.AliasName)
		if err != nil || !there {
			return cmp.Or(err, notFound("Alias %s is not found.", aliasARN(id.Account, id.Region, in.AliasName)))
		}
		tx.Delete(aliasKey(id.Account, id.Region, in.AliasName))
		tx.Delete(ofPrefix(id.Account, id.Region, a.Key).Text(strings.TrimPrefix(in.AliasName, "alias/")))
		return nil
	})
	return &kmsapi.DeleteAliasOutput{}, err
}

// ListAliases lists the aliases of the account and region, or of one key.
func (s *Service) ListAliases(ctx context.Context, id aws.Identity, in *kmsapi.ListAliasesRequest) (*kmsapi.ListAliasesResponse, error) {
	prefix := aliasPrefix(id.Account, id.Region)
	if in.KeyId != nil {
		k, err := s.find(ctx, id, *in.KeyId)
		if err != nil {
			return nil, err
		}
		prefix = ofPrefix(k.account, k.region, k.id)
	}
	pg, err := newPage(in.Limit, in.Marker, listAliasLimit)
	if err != nil {
		return nil, err
	}
	out := &kmsapi.ListAliasesResponse{Aliases: []kmsapi.AliasListEntry{}}
	err = s.shard(id.Account, id.Region).View(ctx, func(_ context.Context, r store.Reader) error {
		return pg.Each(r, prefix, func(n string, _ store.Value) (bool, error) {
			a, _, err := readAlias(r, id.Account, id.Region, n)
			full, arn := "alias/"+n, aliasARN(id.Account, id.Region, "alias/"+n)
			out.Aliases = append(out.Aliases, kmsapi.AliasListEntry{AliasName: &full, AliasArn: &arn, TargetKeyId: &a.Key,
				CreationDate: &a.Created, LastUpdatedDate: &a.Updated})
			return true, err
		})
	})
	out.Truncated, out.NextMarker = listed(pg)
	return out, err
}
