package ssm

import (
	"context"
	"errors"

	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// errChanged says that the parameter changed between sealing a value for it and writing it.
var errChanged = errors.New("ssm: the parameter changed meanwhile")

// PutParameter creates a parameter or a new version of one.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func (s *Service) PutParameter(ctx context.Context, id aws.Identity, in *ssmapi.PutParameterRequest) (*ssmapi.PutParameterResult, error) {
	shard, k := s.at(id)
	name, err := newName(k, in.Name)
	if err != nil {
		return nil, err
	}
	if err := checkPut(in); err != nil {
		return nil, err
	}
	change, err := changePolicies(in.Policies)
	if err != nil {
		return nil, err
	}
	p := &put{in: in, name: name, space: k, change: change, by: id.ARN}
	if in.Type == ssmapi.ParameterTypeString || in.Type == ssmapi.ParameterTypeStringList {
		return store.Update(ctx, shard, func(_ context.Context, tx store.Tx) (*ssmapi.PutParameterResult, error) {
			return p.write(tx, nil, nil)
		})
	}
	// The value may have to be sealed, by a call that cannot be made inside a transaction. What is sealed depends on
	// what is there already, so look first, and look again when writing.
	for range maxAttempts {
		plan, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) (*version, error) {
			return p.draft(r)
		})
		if err != nil {
			return nil, err
		}
		var box *sealed
		if plan.Type == string(ssmapi.ParameterTypeSecureString) {
			if box, err = s.seal(ctx, id, plan.KeyID, k.arn(name), plan.Tier, in.Value); err != nil {
				return nil, err
			}
		}
		out, err := store.Update(ctx, shard, func(_ context.Context, tx store.Tx) (*ssmapi.PutParameterResult, error) {
			return p.write(tx, plan, box)
		})
		if !errors.Is(err, errChanged) {
			return out, err
		}
	}
	return nil, &ssmapi.TooManyUpdates{Message: "There are concurrent updates for a resource that supports one update at a time."}
}

// checkPut checks what does not depend on what is there.
func checkPut(in *ssmapi.PutParameterRequest) error {
	overwrite := in.Overwrite != nil && *in.Overwrite
	switch {
	case in.Value == "":
		return invalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have " +
			"length greater than or equal to 1.")
	case overwrite && len(in.Tags) > 0:
		return invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please " +
			"remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or " +
			"RemoveTagsFromResource.")
	case nested(in.Value):
		return invalid(`Parameter value can't nest another parameter. Do not use "{{}}" in the value.`)
	}
	if len(in.Tags) > 0 {
		if err := checkTags(nil, in.Tags); err != nil {
			return err
		}
	}
	return checkDataType(in)
}

// nested reports whether a value is a reference to another parameter, which Parameter Store does not resolve.
func nested(value string) bool {
	i := strings.Index(value, "{{")
	return i >= 0 && strings.Contains(value[i:], "}}")
}

// imageForm is the form of the ID of an AMI.
var imageForm = regexp.MustCompile(`^ami-[a-z0-9]{8,17}$`)

func checkDataType(in *ssmapi.PutParameterRequest) error {
	if in.DataType == nil {
		return nil
	}
	switch *in.DataType {
	case "text", "aws:ssm:integration":
		return nil
	case "aws:ec2:image":
		if !imageForm.MatchString(in.Value) {
			return invalid("The parameter value is not valid for data type aws:ec2:image. Specify the ID of an AMI, such as " +
				"ami-12345abcdeEXAMPLE.")
		}
		return nil
	}
	return invalid("The following data type is not supported: %s (Data type names are all lowercase.)", *in.DataType)
}

// put is one PutParameter on its way.
type put struct {
	space
	in     *ssmapi.PutParameterRequest
	name   string
	change policyChange
	by     string
}

// draft returns the version that would be written, without its number, time and sealed value.
func (p *put) draft(r store.Reader) (*version, error) {
	old, err := getVersion(r, p.newest(p.name))
	if err != nil {
		return nil, err
	}
	if old != nil && (p.in.Overwrite == nil || !*p.in.Overwrite) {
		return nil, &ssmapi.ParameterAlreadyExists{Message: "The parameter already exists. To overwrite this value, set the " +
			"overwrite option in the request to true."}
	}
	v, err := p.version(old)
	if err != nil {
		return nil, err
	}
	if err := p.tier(r, v, old); err != nil {
		return nil, err
	}
	return v, p.allowed(v)
}

// version derives the next version from the request and, where that is silent, from the version before it.
func (p *put) version(old *version) (*version, error) {
	v := &version{Type: string(p.in.Type), DataType: "text", Value: p.in.Value, By: p.by}
	if old == nil {
		if v.Type == "" {
			return nil, invalid("A parameter type is required when you create a parameter.")
		}
	} else {
		if v.Type != "" && v.Type != old.Type {
			return nil, &ssmapi.HierarchyTypeMismatchException{Message: "Parameter Store doesn't support changing a parameter " +
				"type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. " +
				"You must create a new, unique parameter."}
		}
		v.Type, v.Description, v.Pattern, v.DataType, v.Policies = old.Type, old.Description, old.Pattern, old.DataType, old.Policies
	}
	if p.in.Description != nil {
		v.Description = *p.in.Description
	}
	if p.in.AllowedPattern != nil {
		v.Pattern = *p.in.AllowedPattern
	}
	if p.in.DataType != nil {
		v.DataType = *p.in.DataType
	}
	if p.change.given {
		v.Policies = p.change.policies
	}
	if v.DataType == "aws:ec2:image" && v.Type != string(ssmapi.ParameterTypeString) {
		return nil, invalid("The data type aws:ec2:image is supported only for parameters of type String.")
	}
	if v.Type == string(ssmapi.ParameterTypeSecureString) {
		v.Value, v.KeyID = "", defaultKey
		if p.in.KeyId != nil {
			v.KeyID = *p.in.KeyId
		}
	} else if p.in.KeyId != nil {
		return nil, invalid("KeyId is required for SecureString type parameter only.")
	}
	return v, nil
}

// tier decides the tier of the next version.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
func (p *put) tier(r store.Reader, v, old *version) error {
	const standard, advanced = string(ssmapi.ParameterTierStandard), string(ssmapi.ParameterTierAdvanced)
	v.Tier = string(p.in.Tier)
	was := ""
	if old != nil {
		was = old.Tier
	}
	if v.Tier == "" {
		v.Tier = standard
		if was != "" {
			v.Tier = was
		}
	}
	if v.Tier == string(ssmapi.ParameterTierIntelligentTiering) {
		full := false
		if was == "" {
			n, err := p.parameters(r, standard)
			if err != nil {
				return err
			}
			full = n >= maxStandard
		}
		v.Tier = standard
		if was == advanced || full || len(p.in.Value) > maxStandardValue || len(v.Policies) > 0 {
			v.Tier = advanced
		}
	}
	if v.Tier == standard && was == advanced {
		return invalid("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter "+
			"tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard "+
			"parameter. Be aware that standard parameters have a value limit of %d characters.", maxStandardValue)
	}
	if err := p.fits(v); err != nil || v.Tier == was {
		return err
	}
	n, err := p.parameters(r, v.Tier)
	if err == nil && (v.Tier == standard && n >= maxStandard || v.Tier == advanced && n >= maxAdvanced) {
		err = &ssmapi.ParameterLimitExceeded{Message: "You have exceeded the number of parameters for this AWS account. Delete one or " +
			"more parameters and try again."}
	}
	return err
}

// fits checks that a version keeps to the limits of its tier.
func (p *put) fits(v *version) error {
	if v.Tier == string(ssmapi.ParameterTierStandard) {
		if len(p.in.Value) > maxStandardValue {
			return invalid("Standard tier parameters support a maximum parameter value of %d characters. To create a larger parameter "+
				"value, upgrade the parameter to use the advanced-parameter tier. For more information, see "+
				"https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html", maxStandardValue)
		}
		if len(v.Policies) > 0 {
			return invalid("Parameter policies are supported only for parameters that use the advanced-parameter tier. For more " +
				"information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html")
		}
	}
	if len(p.in.Value) > maxAdvancedValue {
		return invalid("Advanced tier parameters support a maximum parameter value of %d characters.", maxAdvancedValue)
	}
	return nil
}

func (p *put) parameters(r store.Reader, tier string) (int64, error) {
	b, _, err := r.Get(p.count(tier))
	return store.ReadCounter(b), err
}

// allowed checks the value against the parameter's pattern, which must match all of it.
func (p *put) allowed(v *version) error {
	if v.Pattern == "" {
		return nil
	}
	re, err := regexp.Compile(`\A(?:` + v.Pattern + `)\z`)
	if err != nil {
		return &ssmapi.InvalidAllowedPatternException{Message: "The request doesn't meet the regular expression requirement."}
	}
	if !re.MatchString(p.in.Value) {
		return &ssmapi.ParameterPatternMismatchException{Message: "Parameter value, cannot be validated against allowedPattern: " + v.Pattern}
	}
	return nil
}

// write makes the version. plan is what the value was sealed for; box is the sealed value.
func (p *put) write(tx store.Tx, plan *version, box *sealed) (*ssmapi.PutParameterResult, error) {
	v, err := p.draft(tx)
	if err != nil {
		return nil, err
	}
	if plan != nil && !reflect.DeepEqual(plan, v) {
		return nil, errChanged
	}
	v.Sealed, v.Modified, v.Number, v.Oldest = box, tx.Now(), 1, 1
	old, err := getVersion(tx, p.newest(p.name))
	if err != nil {
		return nil, err
	}
	was := ""
	if old != nil {
		was, v.Number, v.Oldest = old.Tier, old.Number+1, old.Oldest
		if v.Number-v.Oldest >= maxVersions {
			if err := p.dropOldest(tx, v); err != nil {
				return nil, err
			}
		}
		old.Oldest = 0
		setVersion(tx, p.older(p.name, old.Number), old)
	}
	if was != v.Tier {
		tx.Add(p.count(v.Tier), 1)
		if was != "" {
			tx.Add(p.count(was), -1)
		}
	}
	setVersion(tx, p.newest(p.name), v)
	if len(p.in.Tags) > 0 {
		tags := make(map[string]string, len(p.in.Tags))
		for _, t := range p.in.Tags {
			tags[t.Key] = t.Value
		}
		setTags(tx, p.space, p.name, tags)
	}
	if err := schedule(tx, p.space, p.name, v.Policies); err != nil {
		return nil, err
	}
	number := v.Number
	return &ssmapi.PutParameterResult{Version: &number, Tier: ssmapi.ParameterTier(v.Tier)}, nil
}

// dropOldest makes room for version v, which has the oldest one's number in Oldest.
func (p *put) dropOldest(tx store.Tx, v *version) error {
	labels, err := labelsOf(tx, p.space, p.name)
	if err != nil {
		return err
	}
	if len(labels[v.Oldest]) > 0 {
		return &ssmapi.ParameterMaxVersionLimitExceeded{Message: "You attempted to create a new version of " + p.name +
			" by calling the PutParameter API with the overwrite flag. Version " + decimal(v.Oldest) + ", the oldest version, can't be " +
			"deleted because it has a label associated with it. Move the label to another version of the parameter, and try again."}
	}
	tx.Delete(p.older(p.name, v.Oldest))
	v.Oldest++
	return nil
}

// checkTags checks tags that are to be added to those that are there.
func checkTags(have map[string]string, add []ssmapi.Tag) error {
	keys := make([]string, 0, len(add))
	for _, t := range add {
		if aws.ReservedTag(t.Key) {
			return invalid("Tag keys can't begin with aws: (case-insensitive).")
		}
		if slices.Contains(keys, t.Key) {
			return invalid("Duplicate tag keys found. Please note that tag keys are case insensitive.")
		}
		keys = append(keys, t.Key)
	}
	n := len(have)
	for _, key := range keys {
		if _, there := have[key]; !there {
			n++
		}
	}
	if n > maxTags {
		return &ssmapi.TooManyTagsError{Message: "The maximum number of tags for a resource is " + strconv.Itoa(maxTags) + "."}
	}
	return nil
}
