package bench

import (
	"context"
	"fmt"
	"net/http"
)

// Templates of the mock: what chooses the status, and what it answers.
const (
	mockRequest  = `{"statusCode": 200}`
	mockResponse = `{"id": "$context.requestId", "stage": "$context.stage"}`
)

// callAPI measures an API with two resources, both for signed requests: /mock answers from templates, /function passes
// the request to a Python function.
func callAPI(ctx context.Context, r *rig) error {
	var made struct{ ID, RootResourceID string }
	if err := r.json(ctx, rest("apigateway", http.MethodPost, "/restapis", document{"name": r.name}), &made); err != nil {
		return err
	}
	api := "/restapis/" + made.ID
	r.later(func(ctx context.Context) error {
		_, err := r.call(ctx, rest("apigateway", http.MethodDelete, api, nil))
		return err
	})
	var resources struct {
		Embedded struct{ Item []struct{ ID, Path string } } `json:"_embedded"`
		Item     []struct{ ID, Path string }
	}
	if err := r.json(ctx, rest("apigateway", http.MethodGet, api+"/resources", nil), &resources); err != nil {
		return err
	}
	root := append(resources.Item, resources.Embedded.Item...)
	if len(root) == 0 {
		return fmt.Errorf("API %s has no root resource", made.ID)
	}
	if err := r.mock(ctx, api, root[0].ID); err != nil {
		return err
	}
	function, err := r.proxy(ctx, api, root[0].ID)
	if err != nil {
		fmt.Fprintf(r.Out, "  without a function: %v\n", err)
	}
	if _, err := r.call(ctx, rest("apigateway", http.MethodPost, api+"/deployments", document{"stageName": "bench"})); err != nil {
		return err
	}
	for _, part := range []string{"mock", "function"} {
		if part == "function" && function == "" {
			continue
		}
		calls := make([]*request, 256)
		for i := range calls {
			calls[i] = rest("execute-api", http.MethodPost, api+"/bench/_user_request_/"+part, payload(i))
		}
		for _, connections := range []int{1, r.Connections} {
			if err := r.measure(ctx, measurement{label: "api " + part, requests: calls, connections: connections, synced: false}); err != nil {
				return err
			}
		}
	}
	return err
}

// resource makes a resource with a POST method for signed requests, and returns the method's path.
func (r *rig) resource(ctx context.Context, api, root, part string) (string, error) {
	var made struct{ ID string }
	if err := r.json(ctx, rest("apigateway", http.MethodPost, api+"/resources/"+root, document{"pathPart": part}), &made); err != nil {
		return "", err
	}
	method := api + "/resources/" + made.ID + "/methods/POST"
	_, err := r.call(ctx, rest("apigateway", http.MethodPut, method, document{"authorizationType": "AWS_IAM"}))
	return method, err
}

func (r *rig) mock(ctx context.Context, api, root string) error {
	method, err := r.resource(ctx, api, root, "mock")
	if err != nil {
		return err
	}
	for _, q := range []*request{
		rest("apigateway", http.MethodPut, method+"/integration",
			document{"type": "MOCK", "requestTemplates": document{"application/json": mockRequest}}),
		rest("apigateway", http.MethodPut, method+"/responses/200", document{}),
		rest("apigateway", http.MethodPut, method+"/integration/responses/200",
			document{"responseTemplates": document{"application/json": mockResponse}}),
	} {
		if _, err := r.call(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// proxy makes the resource in front of a function, and returns the function's name.
func (r *rig) proxy(ctx context.Context, api, root string) (string, error) {
	name, err := r.python(ctx, "app.proxy", `{"body": "{}"}`)
	if err != nil {
		return "", err
	}
	arn, err := r.functionARN(ctx, name)
	if err != nil {
		return "", err
	}
	permit := document{"StatementId": "bench", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
	if _, err := r.call(ctx, rest("lambda", http.MethodPost, functionsPath+"/"+name+"/policy", permit)); err != nil {
		return "", err
	}
	method, err := r.resource(ctx, api, root, "function")
	if err != nil {
		return "", err
	}
	_, err = r.call(ctx, rest("apigateway", http.MethodPut, method+"/integration", document{"type": "AWS_PROXY", "httpMethod": http.MethodPost,
		"uri": "arn:aws:apigateway:" + r.Target.Region + ":lambda:path" + functionsPath + "/" + arn + "/invocations"}))
	return name, err
}
