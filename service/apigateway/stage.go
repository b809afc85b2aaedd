package apigateway

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

func (d *draft) stage(name string) (*apigatewayapi.Stage, error) {
	return must[apigatewayapi.Stage](d.r, d.key.stages().Text(name), noStage())
}

// CreateStage makes a stage that serves a deployment.
func (s *Service) CreateStage(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateStageRequest) (*apigatewayapi.Stage, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Stage, error) {
		st := &apigatewayapi.Stage{StageName: &in.StageName, DeploymentId: &in.DeploymentId, Description: in.Description, Variables: in.Variables,
			CacheClusterEnabled: in.CacheClusterEnabled, CacheClusterSize: in.CacheClusterSize, DocumentationVersion: in.DocumentationVersion,
			CanarySettings: in.CanarySettings, TracingEnabled: in.TracingEnabled, Tags: in.Tags}
		if old, err := load[apigatewayapi.Stage](d.r, d.key.stages().Text(in.StageName)); err != nil || old != nil {
			if err != nil {
				return nil, err
			}
			return nil, conflict("Stage already exists")
		}
		return st, d.addStage(st)
	})
}

func (d *draft) addStage(st *apigatewayapi.Stage) error {
	n, err := count(d.r, d.key.stages(), maxStages)
	if err != nil {
		return err
	}
	if n >= maxStages {
		return exceeded("Maximum number of stages for this API has been reached: %d", maxStages)
	}
	now := d.tx.Now()
	st.CreatedDate = &now
	if st.MethodSettings == nil {
		st.MethodSettings = map[string]apigatewayapi.MethodSetting{}
	}
	if st.TracingEnabled == nil {
		st.TracingEnabled = new(bool)
	}
	return d.saveStage(st)
}

// saveStage checks a stage and writes it.
func (d *draft) saveStage(st *apigatewayapi.Stage) error {
	if err := d.checkStage(st); err != nil {
		return err
	}
	now := d.tx.Now()
	st.LastUpdatedDate = &now
	d.serving()
	return save(d.tx, d.key.stages().Text(*st.StageName), st)
}

func (d *draft) checkStage(st *apigatewayapi.Stage) error {
	if name := *st.StageName; name != "$default" && !regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`).MatchString(name) {
		return bad("Stage name only allows a-zA-Z0-9_-")
	}
	deployments := []string{text(st.DeploymentId)}
	if c := st.CanarySettings; c != nil && text(c.DeploymentId) != "" {
		deployments = append(deployments, *c.DeploymentId)
	}
	for _, dep := range deployments {
		if _, err := must[apigatewayapi.Deployment](d.r, d.key.deployments().Text(dep), bad("Deployment id does not exist")); err != nil {
			return err
		}
	}
	if c := st.CanarySettings; c != nil && c.PercentTraffic != nil && (*c.PercentTraffic < 0 || *c.PercentTraffic > 100) {
		return bad("Percent of traffic must be between 0.0 and 100.0")
	}
	if truth(st.CacheClusterEnabled) {
		return bad("Brume has no cache clusters of API Gateway yet: cacheClusterEnabled must be false")
	}
	st.CacheClusterStatus = apigatewayapi.CacheClusterStatusNotAvailable
	st.CacheClusterEnabled = new(bool)
	if err := checkVariables(st.Variables); err != nil {
		return err
	}
	if err := checkTags(st.Tags); err != nil {
		return err
	}
	return checkAccessLog(st.AccessLogSettings)
}

func checkVariables(variables map[string]string) error {
	if len(variables) > maxVariables {
		return exceeded("Maximum number of stage variables has been reached: %d", maxVariables)
	}
	for name, value := range variables {
		if !regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`).MatchString(name) {
			return bad("Stage variable name %s is invalid: it has at most %d of the characters a-zA-Z0-9_", name, maxVariableName)
		}
		if len(value) > maxVariableValue || !regexp.MustCompile(`^[A-Za-z0-9\-._~:/?#&=,]*$`).MatchString(value) {
			return bad("Stage variable value for %s is invalid: it has at most %d of the characters A-Za-z0-9-._~:/?#&=,", name, maxVariableValue)
		}
	}
	return nil
}

func checkAccessLog(a *apigatewayapi.AccessLogSettings) error {
	if a == nil {
		return nil
	}
	if arn := text(a.DestinationArn); arn != "" {
		p, err := aws.ParseARN(arn)
		if err != nil || p.Service != "logs" || !strings.HasPrefix(p.Resource, "log-group:") {
			return bad("Access log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.': '%s'", arn)
		}
	}
	f := text(a.Format)
	if len(f) > maxLogFormat {
		return bad("Access Log format is too long: at most %d characters", maxLogFormat)
	}
	if strings.ContainsAny(strings.TrimRight(f, "\n"), "\n") {
		return bad("Access Log format must be single line, new line character is allowed only at end of the format")
	}
	if f != "" && !strings.Contains(f, "$context.requestId") && !strings.Contains(f, "$context.extendedRequestId") {
		return bad("Access Log format must include at least $context.requestId or $context.extendedRequestId")
	}
	return nil
}

// GetStage describes a stage.
func (s *Service) GetStage(ctx context.Context, id aws.Identity, in *apigatewayapi.GetStageRequest) (*apigatewayapi.Stage, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Stage, error) { return d.stage(in.StageName) })
}

// GetStages lists the stages of an API, or those that serve a deployment.
func (s *Service) GetStages(ctx context.Context, id aws.Identity, in *apigatewayapi.GetStagesRequest) (*apigatewayapi.Stages, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Stages, error) {
		out := &apigatewayapi.Stages{Item: []apigatewayapi.Stage{}}
		err := each(d.r, d.key.stages(), d.key.stages().Range(), func(_ string, st *apigatewayapi.Stage) (bool, error) {
			if in.DeploymentId == nil || *in.DeploymentId == *st.DeploymentId {
				out.Item = append(out.Item, *st)
			}
			return true, nil
		})
		return out, err
	})
}

// DeleteStage deletes a stage.
func (s *Service) DeleteStage(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteStageRequest) (*apigatewayapi.DeleteStageOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.DeleteStageOutput, error) {
		if _, err := d.stage(in.StageName); err != nil {
			return nil, err
		}
		d.serving()
		return &apigatewayapi.DeleteStageOutput{}, store.DeleteLarge(d.tx, store.Key(d.key.stages().Text(in.StageName)))
	})
}

// UpdateStage changes a stage.
func (s *Service) UpdateStage(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateStageRequest) (*apigatewayapi.Stage, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Stage, error) {
		st, err := d.stage(in.StageName)
		if err != nil {
			return nil, err
		}
		for _, op := range in.PatchOperations {
			if err := d.patchStage(st, op); err != nil {
				return nil, err
			}
		}
		return st, d.saveStage(st)
	})
}

// patchStage applies one operation. "/{resource}/{method}/…" is of the method settings: a resource's path may have any
// number of segments where it is not escaped.
func (d *draft) patchStage(st *apigatewayapi.Stage, op apigatewayapi.PatchOperation) error {
	if op.Op == apigatewayapi.OpCopy { // of a canary's promotion
		return promote(st, text(op.From), text(op.Path))
	}
	if where, setting, ok := splitSetting(text(op.Path)); ok {
		return patchSetting(st, where, setting, op)
	}
	return patch(st, stageRules(), []apigatewayapi.PatchOperation{op})
}

func stageRules() []rule[apigatewayapi.Stage] {
	type stage = apigatewayapi.Stage
	log := func(v *stage) *apigatewayapi.AccessLogSettings {
		if v.AccessLogSettings == nil {
			v.AccessLogSettings = &apigatewayapi.AccessLogSettings{}
		}
		return v.AccessLogSettings
	}
	canary := func(v *stage) *apigatewayapi.CanarySettings {
		if v.CanarySettings == nil {
			v.CanarySettings = &apigatewayapi.CanarySettings{DeploymentId: v.DeploymentId, PercentTraffic: new(float64), UseStageCache: new(bool)}
		}
		return v.CanarySettings
	}
	return []rule[stage]{
		textRule("/deploymentId", "replace", func(v *stage) **string { return &v.DeploymentId }),
		textRule("/description", "replace remove", func(v *stage) **string { return &v.Description }),
		textRule("/documentationVersion", "replace remove", func(v *stage) **string { return &v.DocumentationVersion }),
		boolRule("/tracingEnabled", func(v *stage) **bool { return &v.TracingEnabled }),
		boolRule("/cacheClusterEnabled", func(v *stage) **bool { return &v.CacheClusterEnabled }),
		enumRule("/cacheClusterSize", "replace", func(v *stage) *apigatewayapi.CacheClusterSize { return &v.CacheClusterSize }),
		mapRule("/variables/*", func(v *stage) *map[string]string { return &v.Variables }),
		textRule("/accessLogSettings/destinationArn", "add replace", func(v *stage) **string { return &log(v).DestinationArn }),
		textRule("/accessLogSettings/format", "add replace", func(v *stage) **string { return &log(v).Format }),
		{path: "/accessLogSettings", ops: "remove", unset: func(v *stage, _ []string) error { v.AccessLogSettings = nil; return nil }},
		{path: "/canarySettings", ops: "remove", unset: func(v *stage, _ []string) error { v.CanarySettings = nil; return nil }},
		textRule("/canarySettings/deploymentId", "replace", func(v *stage) **string { return &canary(v).DeploymentId }),
		boolRule("/canarySettings/useStageCache", func(v *stage) **bool { return &canary(v).UseStageCache }),
		mapRule("/canarySettings/stageVariableOverrides/*", func(v *stage) *map[string]string { return &canary(v).StageVariableOverrides }),
		{path: "/canarySettings/percentTraffic", ops: "replace", set: func(v *stage, _ []string, value string) error {
			f, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return bad("Invalid patch value  '%s' specified for path '/canarySettings/percentTraffic'. Must be a number", value)
			}
			canary(v).PercentTraffic = &f
			return nil
		}},
	}
}

// promote copies what a canary has to the stage.
func promote(st *apigatewayapi.Stage, from, to string) error {
	c := st.CanarySettings
	switch {
	case c == nil:
	case from == "/canarySettings/deploymentId" && to == "/deploymentId":
		st.DeploymentId = c.DeploymentId
		return nil
	case from == "/canarySettings/stageVariableOverrides" && to == "/variables":
		if st.Variables == nil {
			st.Variables = map[string]string{}
		}
		for k, v := range c.StageVariableOverrides {
			st.Variables[k] = v
		}
		return nil
	}
	return bad("Invalid patch path  '%s' specified for op 'copy'. Please choose supported operations", to)
}
