package apigateway

import (
	"context"
	"slices"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/execute"
	"github.com/brume-dev/brume/store"
)

func noDeployment() error { return notFound("Invalid Deployment identifier specified") }

func (d *draft) deployment(id string) (*apigatewayapi.Deployment, error) {
	return must[apigatewayapi.Deployment](d.r, d.key.deployments().Text(id), noDeployment())
}

// snapshot is the API as it stands.
func (d *draft) snapshot() (*execute.Snapshot, error) {
	snap := &execute.Snapshot{API: *d.api}
	err := each(d.r, d.key.resources(), d.key.resources().Range(), func(_ string, r *apigatewayapi.Resource) (bool, error) {
		err := d.withMethods(r, true)
		snap.Resources = append(snap.Resources, *r)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	if snap.Models, err = all[apigatewayapi.Model](d.r, d.key.models()); err != nil {
		return nil, err
	}
	if snap.Validators, err = all[apigatewayapi.RequestValidator](d.r, d.key.validators()); err != nil {
		return nil, err
	}
	if snap.Authorizers, err = all[apigatewayapi.Authorizer](d.r, d.key.authorizers()); err != nil {
		return nil, err
	}
	snap.Responses, err = all[apigatewayapi.GatewayResponse](d.r, d.key.responses())
	return snap, err
}

// CreateDeployment keeps the API as it stands, and makes a stage, or an existing one, serve that.
func (s *Service) CreateDeployment(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateDeploymentRequest) (*apigatewayapi.Deployment, error) {
	own, err := s.newID(shortID)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Deployment, error) {
		snap, err := d.snapshot()
		if err != nil {
			return nil, err
		}
		if err := deployable(snap); err != nil {
			return nil, err
		}
		now := d.tx.Now()
		dep := &apigatewayapi.Deployment{Id: &own, Description: in.Description, CreatedDate: &now}
		if err := save(d.tx, d.key.deployments().Text(own), dep); err != nil {
			return nil, err
		}
		if err := save(d.tx, d.key.snapshot(own), snap); err != nil {
			return nil, err
		}
		if text(in.StageName) == "" {
			return dep, nil
		}
		return dep, d.deployTo(in, own)
	})
}

// deployable refuses an API that could not answer anything.
func deployable(snap *execute.Snapshot) error {
	methods := 0
	for _, r := range snap.Resources {
		for _, m := range r.ResourceMethods {
			methods++
			if m.MethodIntegration == nil {
				return bad("No integration defined for method")
			}
		}
	}
	if methods == 0 {
		return bad("The REST API doesn't contain any methods")
	}
	return nil
}

// deployTo makes the stage that CreateDeployment names serve the new deployment.
func (d *draft) deployTo(in *apigatewayapi.CreateDeploymentRequest, own string) error {
	old, err := load[apigatewayapi.Stage](d.r, d.key.stages().Text(*in.StageName))
	if err != nil {
		return err
	}
	if old == nil {
		st := &apigatewayapi.Stage{StageName: in.StageName, DeploymentId: &own, Description: in.StageDescription, Variables: in.Variables,
			CacheClusterEnabled: in.CacheClusterEnabled, CacheClusterSize: in.CacheClusterSize, TracingEnabled: in.TracingEnabled}
		if c := in.CanarySettings; c != nil {
			return bad("Deployment canary settings can only be used for a stage that exists")
		}
		return d.addStage(st)
	}
	if c := in.CanarySettings; c != nil {
		old.CanarySettings = &apigatewayapi.CanarySettings{DeploymentId: &own, PercentTraffic: c.PercentTraffic,
			StageVariableOverrides: c.StageVariableOverrides, UseStageCache: c.UseStageCache}
	} else {
		old.DeploymentId = &own
	}
	if in.StageDescription != nil {
		old.Description = in.StageDescription
	}
	if in.Variables != nil {
		old.Variables = in.Variables
	}
	if in.TracingEnabled != nil {
		old.TracingEnabled = in.TracingEnabled
	}
	return d.saveStage(old)
}

// GetDeployment describes a deployment, with a summary of what it serves where that is wanted.
func (s *Service) GetDeployment(ctx context.Context, id aws.Identity, in *apigatewayapi.GetDeploymentRequest) (*apigatewayapi.Deployment, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Deployment, error) {
		dep, err := d.deployment(in.DeploymentId)
		if err != nil || !slices.Contains(in.Embed, "apisummary") {
			return dep, err
		}
		snap, err := must[execute.Snapshot](d.r, d.key.snapshot(in.DeploymentId), noDeployment())
		if err != nil {
			return nil, err
		}
		dep.ApiSummary = map[string]map[string]apigatewayapi.MethodSnapshot{}
		for _, r := range snap.Resources {
			for verb, m := range r.ResourceMethods {
				if dep.ApiSummary[*r.Path] == nil {
					dep.ApiSummary[*r.Path] = map[string]apigatewayapi.MethodSnapshot{}
				}
				dep.ApiSummary[*r.Path][verb] = apigatewayapi.MethodSnapshot{AuthorizationType: m.AuthorizationType, ApiKeyRequired: m.ApiKeyRequired}
			}
		}
		return dep, nil
	})
}

// GetDeployments lists deployments.
func (s *Service) GetDeployments(ctx context.Context, id aws.Identity, in *apigatewayapi.GetDeploymentsRequest) (*apigatewayapi.Deployments, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Deployments, error) {
		items, next, err := page[apigatewayapi.Deployment](d.r, d.key.deployments(), in.Position, in.Limit)
		return &apigatewayapi.Deployments{Items: items, Position: next}, err
	})
}

// DeleteDeployment deletes a deployment that no stage serves.
func (s *Service) DeleteDeployment(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteDeploymentRequest) (*apigatewayapi.DeleteDeploymentOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.DeleteDeploymentOutput, error) {
		if _, err := d.deployment(in.DeploymentId); err != nil {
			return nil, err
		}
		if err := each(d.r, d.key.stages(), d.key.stages().Range(), func(_ string, st *apigatewayapi.Stage) (bool, error) {
			if *st.DeploymentId == in.DeploymentId || st.CanarySettings != nil && text(st.CanarySettings.DeploymentId) == in.DeploymentId {
				return false, bad("Active stages pointing to this deployment must be moved or deleted")
			}
			return true, nil
		}); err != nil {
			return nil, err
		}
		if err := store.DeleteLarge(d.tx, store.Key(d.key.snapshot(in.DeploymentId))); err != nil {
			return nil, err
		}
		return &apigatewayapi.DeleteDeploymentOutput{}, store.DeleteLarge(d.tx, store.Key(d.key.deployments().Text(in.DeploymentId)))
	})
}

// UpdateDeployment changes the description of a deployment.
func (s *Service) UpdateDeployment(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateDeploymentRequest) (*apigatewayapi.Deployment, error) {
	type deployment = apigatewayapi.Deployment
	rules := []rule[deployment]{textRule("/description", "replace remove", func(v *deployment) **string { return &v.Description })}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*deployment, error) {
		dep, err := d.deployment(in.DeploymentId)
		if err != nil {
			return nil, err
		}
		if err := patch(dep, rules, in.PatchOperations); err != nil {
			return nil, err
		}
		return dep, save(d.tx, d.key.deployments().Text(in.DeploymentId), dep)
	})
}

// Revision implements execute.Source.
func (s *Service) Revision(ctx context.Context, account, region, api string) (int64, bool, error) {
	key := store.Key(placeOf(account, region, api).revision())
	type revision struct {
		n  int64
		ok bool
	}
	r, err := store.View(ctx, s.shard(account, region), func(_ context.Context, r store.Reader) (revision, error) {
		v, ok, err := r.Get(key)
		return revision{store.ReadCounter(v), ok}, err
	})
	return r.n, r.ok, err
}

// Stage implements execute.Source.
func (s *Service) Stage(ctx context.Context, account, region, api, stage string) (*apigatewayapi.Stage, error) {
	return store.View(ctx, s.shard(account, region), func(_ context.Context, r store.Reader) (*apigatewayapi.Stage, error) {
		return load[apigatewayapi.Stage](r, placeOf(account, region, api).stages().Text(stage))
	})
}

// Snapshot implements execute.Source.
func (s *Service) Snapshot(ctx context.Context, account, region, api, deployment string) (*execute.Snapshot, error) {
	return store.View(ctx, s.shard(account, region), func(_ context.Context, r store.Reader) (*execute.Snapshot, error) {
		return load[execute.Snapshot](r, placeOf(account, region, api).snapshot(deployment))
	})
}

// LogsRole implements execute.Source.
func (s *Service) LogsRole(ctx context.Context, account, region string) (string, error) {
	a, err := s.account(ctx, account, region)
	return a.Role, err
}
