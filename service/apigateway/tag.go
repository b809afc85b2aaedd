package apigateway

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
)

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return bad("Maximum number of tags per resource is %d", maxTags)
	}
	for k, v := range tags {
		if k == "" || len(k) > 128 {
			return bad("Tag key must be between 1 and 128 characters")
		}
		if aws.ReservedTag(k) && !strings.HasPrefix(k, "aws:cloudformation:") {
			return bad("Tag keys starting with 'aws:' are reserved for system use")
		}
		if len(v) > 256 {
			return bad("Tag value must be at most 256 characters")
		}
	}
	return nil
}

// tagged takes the ARN of an API or a stage apart: arn:aws:apigateway:R::/restapis/ID[/stages/NAME].
func tagged(arn string) (api, stage string, err error) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Service != "apigateway" {
		return "", "", bad("Invalid resource ARN: %s", arn)
	}
	parts := strings.Split(strings.TrimPrefix(a.Resource, "/"), "/")
	switch {
	case len(parts) == 2 && parts[0] == "restapis":
		return parts[1], "", nil
	case len(parts) == 4 && parts[0] == "restapis" && parts[2] == "stages":
		return parts[1], parts[3], nil
	}
	return "", "", bad("Invalid resource ARN: %s", arn)
}

// retag changes the tags of what an ARN names.
func (s *Service) retag(ctx context.Context, id aws.Identity, arn string, f func(tags map[string]string)) error {
	api, stage, err := tagged(arn)
	if err != nil {
		return err
	}
	_, err = update(ctx, s, id, api, func(d *draft) (struct{}, error) {
		var none struct{}
		to := &d.api.Tags
		var st *apigatewayapi.Stage
		if stage != "" {
			var err error
			if st, err = d.stage(stage); err != nil {
				return none, err
			}
			to = &st.Tags
		}
		if *to == nil {
			*to = map[string]string{}
		}
		f(*to)
		if err := checkTags(*to); err != nil {
			return none, err
		}
		if st != nil {
			return none, save(d.tx, d.key.stages().Text(stage), st)
		}
		return none, save(d.tx, d.key.record(), d.api)
	})
	return err
}

// TagResource adds tags to an API or a stage.
func (s *Service) TagResource(ctx context.Context, id aws.Identity, in *apigatewayapi.TagResourceRequest) (*apigatewayapi.TagResourceOutput, error) {
	return &apigatewayapi.TagResourceOutput{}, s.retag(ctx, id, in.ResourceArn, func(tags map[string]string) {
		for k, v := range in.Tags {
			tags[k] = v
		}
	})
}

// UntagResource takes tags from an API or a stage.
func (s *Service) UntagResource(ctx context.Context, id aws.Identity, in *apigatewayapi.UntagResourceRequest) (*apigatewayapi.UntagResourceOutput, error) {
	return &apigatewayapi.UntagResourceOutput{}, s.retag(ctx, id, in.ResourceArn, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

// GetTags lists the tags of an API or a stage.
func (s *Service) GetTags(ctx context.Context, id aws.Identity, in *apigatewayapi.GetTagsRequest) (*apigatewayapi.Tags, error) {
	api, stage, err := tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, id, api, func(d *draft) (*apigatewayapi.Tags, error) {
		tags := d.api.Tags
		if stage != "" {
			st, err := d.stage(stage)
			if err != nil {
				return nil, err
			}
			tags = st.Tags
		}
		if tags == nil {
			tags = map[string]string{}
		}
		return &apigatewayapi.Tags{Tags: tags}, nil
	})
}
