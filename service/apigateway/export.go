package apigateway

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/apigateway/definition"
	"github.com/brume-dev/brume/service/apigateway/execute"
)

// GetExport writes what a stage serves as a definition. What it writes is JSON, which is YAML too.
func (s *Service) GetExport(ctx context.Context, id aws.Identity, in *apigatewayapi.GetExportRequest) (*apigatewayapi.ExportResponse, error) {
	form, err := definition.ReadForm(in.ExportType, in.Parameters["extensions"])
	if err != nil {
		return nil, bad("%v", err)
	}
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.ExportResponse, error) {
		st, err := must[apigatewayapi.Stage](d.r, d.key.stages().Text(in.StageName), noStage())
		if err != nil {
			return nil, err
		}
		snap, err := must[execute.Snapshot](d.r, d.key.snapshot(text(st.DeploymentId)), noStage())
		if err != nil {
			return nil, err
		}
		doc := definition.Write(definition.Deployed{Name: text(snap.API.Name), Version: text(snap.API.Version), Description: text(snap.API.Description),
			Host: in.RestApiId + ".execute-api." + id.Region + ".amazonaws.com", Stage: in.StageName, Models: snap.Models, Resources: snap.Resources,
			Validators: snap.Validators, Authorizers: snap.Authorizers, Responses: snap.Responses}, form)
		kind := "application/json"
		if strings.Contains(text(in.Accepts), "yaml") {
			kind = "application/yaml"
		}
		b, err := json.MarshalIndent(json.RawMessage(jsondoc.Append(nil, doc)), "", "  ")
		name := "attachment; filename=\"" + in.ExportType + "_" + st.CreatedDate.Format("2006-01-02T15:04:05Z") + ".json\""
		return &apigatewayapi.ExportResponse{ContentType: &kind, ContentDisposition: &name, Body: b}, err
	})
}
