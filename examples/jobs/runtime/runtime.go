// Package runtime is what the Go handlers of the jobs example stand on: the loop of the Lambda Runtime API and one
// DynamoDB call. An application of your own would use github.com/aws/aws-lambda-go and the AWS SDK; this one is built
// from the repository alone, without a network.
package runtime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/sigv4"
)

// Run hands invocations to the handler until the environment ends.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func Run[E any](handle func(E) error) {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		if err := next(base, handle); err != nil {
			fmt.Fprintln(os.Stderr, "runtime:", err)
			os.Exit(1)
		}
	}
}

func next[E any](base string, handle func(E) error) error {
	resp, err := http.Get(base + "next")
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return err
	}
	invocation := base + resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
	var event E
	if err := json.Unmarshal(body, &event); err != nil {
		return post(invocation+"/error", failure{err.Error(), "Runtime.UnmarshalError"})
	}
	if err := handle(event); err != nil {
		return post(invocation+"/error", failure{err.Error(), fmt.Sprintf("%T", err)})
	}
	return post(invocation+"/response", nil)
}

type failure struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

func post(url string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(b))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// PutJob stores an item of string attributes in the table that JOBS_TABLE names.
func PutJob(attributes map[string]string) error {
	item := map[string]map[string]string{}
	for name, value := range attributes {
		item[name] = map[string]string{"S": value}
	}
	body, err := json.Marshal(map[string]any{"TableName": os.Getenv("JOBS_TABLE"), "Item": item})
	if err != nil {
		return err
	}
	region, endpoint := os.Getenv("AWS_REGION"), os.Getenv("AWS_ENDPOINT_URL")
	if endpoint == "" {
		endpoint = "https://dynamodb." + region + ".amazonaws.com"
	}
	req, err := http.NewRequest(http.MethodPost, endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
	sigv4.Sign(req, aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN")}, region, "dynamodb", body, time.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return fmt.Errorf("dynamodb: PutItem: %s: %s", resp.Status, text)
	}
	return nil
}
