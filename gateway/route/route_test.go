package route_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/route"
	"github.com/brume-dev/brume/gateway/sigv4"
)

func services() []*aws.Service {
	cloudwatch := aws.Describe[any](aws.Meta{Name: "cloudwatch", ID: "CloudWatch", Shape: "GraniteServiceVersion20100801", Signing: "monitoring",
		Target: "GraniteServiceVersion20100801", Version: "2010-08-01", Endpoint: "monitoring", Protocols: aws.JSON10 | aws.CBOR | aws.Query},
		aws.Lacks("PutMetricData", "POST", "/"))
	v2 := aws.Describe[any](aws.Meta{Name: "apigatewayv2", ID: "ApiGatewayV2", Signing: "apigateway", Endpoint: "apigateway", Protocols: aws.RestJSON},
		aws.Lacks("GetApis", "GET", "/v2/apis"))
	s3control := aws.Describe[any](aws.Meta{Name: "s3control", ID: "S3 Control", Signing: "s3", Endpoint: "s3-control", Protocols: aws.RestXML},
		aws.Lacks("CreateJob", "POST", "/v20180820/jobs"))
	return []*aws.Service{sqsapi.Service, snsapi.Service, lambdaapi.Service, dynamodbapi.Service, s3api.Service, apigatewayapi.Service, stsapi.Service,
		iamapi.Service, kmsapi.Service, eventbridgeapi.Service, logsapi.Service, ecrapi.Service, sfnapi.Service, cloudwatch, v2, s3control}
}

// find routes a request given as its lines; "auth SERVICE" stands for a signature of that scope.
func find(t testing.TB, table *route.Table, lines string) route.Route {
	t.Helper()
	head, body, _ := strings.Cut(lines, "\n\n")
	var b strings.Builder
	for i, line := range strings.Split(head, "\n") {
		if i == 0 {
			line += " HTTP/1.1"
		}
		if service, ok := strings.CutPrefix(line, "auth "); ok {
			line = "Authorization: AWS4-HMAC-SHA256 Credential=test/20261121/eu-west-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
		}
		b.WriteString(line + "\r\n")
	}
	if !strings.Contains(head, "Host: ") {
		b.WriteString("Host: 127.0.0.1:4566\r\n")
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(b.String() + "\r\n" + body)))
	if err != nil {
		t.Fatalf("%v in %q", err, lines)
	}
	path, query := sigv4.RawTarget(r)
	return table.Find(&route.Request{Method: r.Method, Path: path, Query: query, Host: r.Host, Header: r.Header, Length: r.ContentLength,
		Form: func() ([]byte, bool) { b, _ := io.ReadAll(r.Body); return b, true }})
}

func describe(r route.Route) string {
	switch r.Kind {
	case route.Own:
		return "own"
	case route.Preflight:
		return "preflight"
	case route.Welcome:
		return "welcome"
	case route.Data:
		return strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", r.Plane, r.Visit.Resource, cmpOr(r.Visit.Stage), r.Visit.Path, r.Visit.Region))
	}
	s := ""
	if r.Service != nil {
		s = r.Service.Name
	}
	if r.Op == nil {
		return strings.TrimSpace(s + " " + aws.CodeOf(r.Err))
	}
	s += " " + r.Op.Name
	for _, k := range slices.Sorted(mapKeys(r.Labels)) {
		s += " " + k + "=" + r.Labels[k]
	}
	return s
}

func cmpOr(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func mapKeys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// The rows of PROTOCOL.md section 6, in its order.
func TestRows(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8"
	table := route.New(services())
	for _, c := range []struct{ lines, want string }{
		// 1. own endpoints
		{"GET /_brume/health", "own"},
		{"POST /_aws/sqs/messages\nauth sqs", "own"},
		{"GET /_aws/execute-api/abc123/dev/jobs/a%2Fb", "execute-api abc123 dev /jobs/a%2Fb"},
		{"GET /_aws/execute-api/abc123/dev", "execute-api abc123 dev /"},
		// 2. data-plane hosts, whatever the credentials say and whatever follows
		{"POST /dev/jobs\nHost: abc123.execute-api.us-east-1.amazonaws.com\nauth execute-api", "execute-api abc123 - /dev/jobs us-east-1"},
		{"POST /dev/jobs\nHost: abc123.execute-api.localhost:4566\nAuthorization: Bearer x.y.z", "execute-api abc123 - /dev/jobs"},
		{"OPTIONS /dev/jobs\nHost: ABC123.Execute-Api.eu-west-1.example.org.:80\nAccess-Control-Request-Method: POST", "execute-api abc123 - /dev/jobs eu-west-1"},
		{"POST /\nHost: abc123.execute-api.localhost\nX-Amz-Target: DynamoDB_20120810.GetItem", "execute-api abc123 - /"},
		{"GET /\nHost: url1.lambda-url.us-east-1.localhost.localstack.cloud:4566\nauth lambda", "lambda-url url1 - / us-east-1"},
		// 3. data-plane paths
		{"POST /restapis/abc123/dev/_user_request_/jobs?x=1\nauth execute-api", "execute-api abc123 dev /jobs"},
		{"GET /restapis/abc123/dev/_user_request_\nauth apigateway", "execute-api abc123 dev /"},
		{"GET /restapis/abc123/stages/dev\nauth apigateway", "apigateway GetStage restapi_id=abc123 stage_name=dev"},
		// 4. preflight
		{"OPTIONS /bucket/key\nOrigin: http://localhost:3000\nAccess-Control-Request-Method: PUT", "preflight"},
		// 5. rpcv2Cbor
		{"POST /service/GraniteServiceVersion20100801/operation/PutMetricData\nSmithy-Protocol: rpc-v2-cbor\nauth monitoring", "cloudwatch PutMetricData"},
		{"POST /service/Nobody/operation/X\nSmithy-Protocol: rpc-v2-cbor\nauth monitoring", "UnknownOperationException"},
		{"POST /nowhere\nSmithy-Protocol: rpc-v2-cbor\nauth monitoring", "UnknownOperationException"},
		// 6. X-Amz-Target
		{"POST /\nX-Amz-Target: DynamoDB_20120810.GetItem\nContent-Type: application/x-amz-json-1.0\nauth dynamodb", "dynamodb GetItem"},
		{"POST /\nX-Amz-Target: AWSEvents.PutEvents\nContent-Type: application/x-amz-json-1.1\nauth events", "eventbridge PutEvents"},
		{"POST /\nX-Amz-Target: AmazonSQS.SendMessage\nContent-Type: application/x-amz-json-1.0", "sqs SendMessage"},
		{"POST /\nHost: sync-localhost:4566\nX-Amz-Target: AWSStepFunctions.StartExecution\nContent-Type: application/x-amz-json-1.0\nauth states", "sfn StartExecution"},
		{"POST /\nX-Amz-Target: DynamoDB_20120810.Nothing\nContent-Type: application/x-amz-json-1.0\nauth dynamodb", "dynamodb UnknownOperationException"},
		{"POST /\nX-Amz-Target: Nobody.GetItem\nauth dynamodb", "UnknownOperationException"},
		{"POST /\nX-Amz-Target: nonsense\nauth dynamodb", "UnknownOperationException"},
		{"POST /\nX-Amz-Target: DynamoDB_20120810.GetItem\nContent-Type: application/x-amz-json-1.1\nauth dynamodb", "dynamodb UnknownOperationException"},
		{"POST /\nX-Amz-Target: DynamoDB_20120810.GetItem\nContent-Type: text/plain\nauth dynamodb", "dynamodb UnknownOperationException"},
		{"POST /\nX-Amz-Target: DynamoDB_20120810.GetItem\nContent-Type: Application/x-amz-json-1.0; charset=utf-8\nauth dynamodb", "dynamodb GetItem"},
		// 7. Query
		{"POST /\n" + form + "\nauth iam\n\nAction=ListUsers&Version=2010-05-08", "iam ListUsers"},
		{"POST /\n" + form + "\n\nAction=AssumeRoleWithSAML&Version=2011-06-15", "sts AssumeRoleWithSAML"},
		{"GET /?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=t%2F20261121%2Fus-east-1%2Fsts%2Faws4_request", "sts GetCallerIdentity"},
		{"GET /?Action=ListUsers\nHost: iam.amazonaws.com", "iam ListUsers"},
		{"GET /?Action=ConfirmSubscription&TopicArn=x&Token=y", "sns ConfirmSubscription"},
		{"POST /000000000000/queue\n" + form + "\n\nAction=SendMessage&MessageBody=x&Version=2012-11-05", "sqs SendMessage"},
		{"POST /000000000000/queue\n" + form + "\n\nAction=GetQueueAttributes", "sqs GetQueueAttributes"},
		{"POST /\nHost: queue.localhost:4566\n" + form + "\nauth sqs\n\nAction=ListQueues", "sqs ListQueues"},
		{"POST /\n" + form + "\nauth iam\n\nAction=Nothing&Version=2010-05-08", "iam InvalidAction"},
		{"POST /\n" + form + "\nauth iam\n\nUserName=x", "iam MissingAction"},
		{"GET /?Action=Nothing&Version=2000-01-01", "InvalidAction"},
		{"GET /\nauth sts", "sts MissingAction"},
		{"POST /bucket?delete\n" + form + "\nauth s3\n\nAction=x", "s3 DeleteObjects Bucket=bucket"},
		{"GET /bucket/key?Action=x", "s3 GetObject Bucket=bucket Key=key"},
		{"POST /2015-03-31/functions/f/invocations?Action=ListUsers\nauth lambda\n\n{}", "lambda Invoke FunctionName=f"},
		// a queue's path without an action may be a bucket
		{"GET /000000000000/queue\nauth s3", "s3 GetObject Bucket=000000000000 Key=queue"},
		// 8. credential scope
		{"POST /2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af/invocations\nauth lambda", "lambda Invoke FunctionName=arn:aws:lambda:eu-west-1:000000000000:function:f"},
		{"GET /2015-03-31/functions/\nauth lambda", "lambda ListFunctions"},
		{"GET /2015-03-31/functions\nauth lambda", "lambda ListFunctions"},
		{"POST /restapis\nauth apigateway", "apigateway CreateRestApi"},
		{"POST /restapis?mode=import&failonwarnings=true\nauth apigateway", "apigateway ImportRestApi"},
		{"GET /v2/apis\nauth apigateway", "apigatewayv2 GetApis"},
		{"POST /v20180820/jobs\nauth s3", "s3control CreateJob"},
		{"GET /nowhere\nauth lambda", "lambda UnknownOperationException"},
		{"PATCH /2015-03-31/functions\nauth lambda", "lambda UnknownOperationException"},
		{"GET /\nauth timestream", "NotImplemented"},
		{"POST /\nauth dynamodb", "dynamodb UnknownOperationException"},
		{"GET /bucket\nAuthorization: AWS4-ECDSA-P256-SHA256 Credential=t/20261121/s3/aws4_request, SignedHeaders=host, Signature=0", "s3 ListObjects Bucket=bucket"},
		// 9. S3 by shape
		{"GET /key\nHost: bucket.s3.us-west-2.amazonaws.com", "s3 GetObject Bucket=bucket Key=key"},
		{"GET /key\nHost: my.bucket.s3-us-west-2.amazonaws.com\nauth s3", "s3 GetObject Bucket=my.bucket Key=key"},
		{"PUT /a//b\nHost: bucket.s3.localhost:4566\nauth s3", "s3 PutObject Bucket=bucket Key=a//b"},
		{"PUT /key\nHost: mybucket.localhost:4566\nauth s3", "s3 PutObject Bucket=mybucket Key=key"},
		{"GET /?list-type=2\nHost: mybucket.localhost:4566", "s3 ListObjectsV2 Bucket=mybucket"},
		{"GET /bucket/key\nHost: s3.localhost:4566", "s3 GetObject Bucket=bucket Key=key"},
		{"GET /bucket/key?AWSAccessKeyId=test&Signature=x&Expires=1", "s3 GetObject Bucket=bucket Key=key"},
		{"GET /bucket/key\nAuthorization: AWS test:sig", "s3 GetObject Bucket=bucket Key=key"},
		{"POST /\nHost: bucket.s3.localhost\nContent-Type: multipart/form-data; boundary=x", "s3 PutObject Bucket=bucket"},
		{"GET /2015-03-31/functions\nHost: lambda.localhost:4566", "lambda ListFunctions"},
		{"POST /\nHost: api.ecr.us-east-1.amazonaws.com", "ecr UnknownOperationException"},
		{"GET /key\nHost: lambda.s3.localhost", "s3 GetObject Bucket=lambda Key=key"},
		// 10. the rest is public
		{"GET /bucket/key", "s3 GetObject Bucket=bucket Key=key"},
		{"GET /\nAccept: text/html,application/xhtml+xml", "welcome"},
		{"GET /", "s3 ListBuckets"},
		{"POST /", "UnknownOperationException"},
	} {
		if got := describe(find(t, table, c.lines)); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.lines, got, c.want)
		}
	}
}

// Templates that several operations share, and raw paths.
func TestSharedTemplates(t *testing.T) {
	table := route.New(services())
	for _, c := range []struct{ line, want string }{
		{"GET /b", "ListObjects Bucket=b"},
		{"GET /b/", "ListObjects Bucket=b"},
		{"GET /b?list-type=2&prefix=x", "ListObjectsV2 Bucket=b"},
		{"GET /b?list-type=1", "ListObjects Bucket=b"},
		{"GET /b?acl", "GetBucketAcl Bucket=b"},
		{"GET /b?acl=", "GetBucketAcl Bucket=b"},
		{"GET /b?prefix=acl", "ListObjects Bucket=b"},
		{"GET /b?location", "GetBucketLocation Bucket=b"},
		{"GET /b?versions", "ListObjectVersions Bucket=b"},
		{"GET /b?uploads&x-id=ListParts", "ListMultipartUploads Bucket=b"},
		{"GET /b?lifecycle", "GetBucketLifecycleConfiguration Bucket=b"},
		{"PUT /b", "CreateBucket Bucket=b"},
		{"PUT /b?lifecycle", "PutBucketLifecycleConfiguration Bucket=b"},
		{"HEAD /b/k", "HeadObject Bucket=b Key=k"},
		{"PUT /b/k?x-id=PutObject", "PutObject Bucket=b Key=k"},
		{"PUT /b/k?partNumber=1&uploadId=u", "UploadPart Bucket=b Key=k"},
		{"PUT /b/k\nX-Amz-Copy-Source: /b/o", "CopyObject Bucket=b Key=k"},
		{"PUT /b/k?partNumber=1&uploadId=u\nX-Amz-Copy-Source: /b/o", "UploadPartCopy Bucket=b Key=k"},
		{"POST /b/k?uploads", "CreateMultipartUpload Bucket=b Key=k"},
		{"POST /b/k?uploadId=u", "CompleteMultipartUpload Bucket=b Key=k"},
		{"DELETE /b/k?uploadId=u", "AbortMultipartUpload Bucket=b Key=k"},
		{"DELETE /b/k?versionId=v", "DeleteObject Bucket=b Key=k"},
		{"GET /b/k?uploadId=u", "ListParts Bucket=b Key=k"},
		{"GET /b/k?tagging", "GetObjectTagging Bucket=b Key=k"},
		{"GET /b/k?attributes", "GetObjectAttributes Bucket=b Key=k"},
		{"POST /b/k", "MethodNotAllowed"},
		{"PATCH /b/k", "MethodNotAllowed"},
		{"GET /b//", "GetObject Bucket=b Key=/"},
		{"GET /b/a//b", "GetObject Bucket=b Key=a//b"},
		{"GET /b/a/", "GetObject Bucket=b Key=a/"},
		{"GET /b/a/../b", "GetObject Bucket=b Key=a/../b"},
		{"GET /b/a%20b/%2Bc%2Fd", "GetObject Bucket=b Key=a b/+c/d"},
		{"GET /b/a+b", "GetObject Bucket=b Key=a+b"},
	} {
		got := strings.TrimPrefix(describe(find(t, table, c.line+"\nauth s3")), "s3 ")
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.line, got, c.want)
		}
	}
}

// Every operation of every REST service is found by a request made from its own template.
func TestEveryTemplateIsReachable(t *testing.T) {
	table := route.New(services())
	for _, s := range services() {
		if !s.Protocols.Has(aws.RestJSON|aws.RestXML) || s.Name == "s3" { // S3 shares most of its templates: see above
			continue
		}
		for _, op := range s.Ops {
			path := strings.NewReplacer("{", "", "+}", "", "}", "").Replace(op.Path)
			r := find(t, table, op.Method+" "+path+"\nauth "+s.Signing)
			if r.Op == nil || r.Op.Name != op.Name && r.Op.Path != op.Path {
				t.Errorf("%s: %s %s went to %s", op.Name, op.Method, op.Path, describe(r))
			}
		}
	}
}

func TestRegion(t *testing.T) {
	table := route.New(services())
	for _, c := range []struct{ lines, want string }{
		{"GET /k\nHost: b.s3.us-west-2.amazonaws.com", "us-west-2"},
		{"GET /k\nHost: b.s3-ap-southeast-1.amazonaws.com", "ap-southeast-1"},
		{"GET /b/k\nauth s3\nHost: s3.us-west-2.amazonaws.com", "eu-west-1"},
		{"GET /b/k", ""},
		{"POST /\nX-Amz-Target: DynamoDB_20120810.GetItem\nContent-Type: application/x-amz-json-1.0\nauth dynamodb", "eu-west-1"},
	} {
		if got := find(t, table, c.lines).Region; got != c.want {
			t.Errorf("%s: region %q, want %q", c.lines, got, c.want)
		}
	}
}

func FuzzFind(f *testing.F) {
	table := route.New(services())
	f.Add("GET", "/b/k", "list-type=2", "b.s3.localhost:1", "Action=x")
	f.Add("POST", "/restapis/a/b/_user_request_/c", "", "a.execute-api.b", "")
	f.Add("PUT", "//%2f/", "X-Amz-Credential=%2f%2f%2f%2f", "[::1]:1", "Version=1&Action=y")
	f.Fuzz(func(t *testing.T, method, path, query, host, form string) {
		r := table.Find(&route.Request{Method: method, Path: path, Query: query, Host: host,
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Form: func() ([]byte, bool) { return []byte(form), true }})
		if r.Kind == route.Nothing && r.Err == nil || r.Kind == route.Operation && (r.Op == nil || r.Service == nil) {
			t.Fatalf("%+v", r)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	table := route.New(services())
	auth := "AWS4-HMAC-SHA256 Credential=test/20261121/eu-west-1/%s/aws4_request, SignedHeaders=host, Signature=00"
	for _, c := range []struct {
		name string
		q    route.Request
	}{
		{"target", route.Request{Method: "POST", Path: "/", Host: "127.0.0.1:4566", Header: http.Header{
			"X-Amz-Target": {"DynamoDB_20120810.PutItem"}, "Content-Type": {"application/x-amz-json-1.0"}, "Authorization": {fmt.Sprintf(auth, "dynamodb")}}}},
		{"rest", route.Request{Method: "POST", Path: "/2015-03-31/functions/f/invocations", Host: "localhost:4566", Header: http.Header{
			"Authorization": {fmt.Sprintf(auth, "lambda")}}}},
		{"s3", route.Request{Method: "PUT", Path: "/bucket/key", Query: "x-id=PutObject", Host: "localhost:4566", Header: http.Header{
			"Authorization": {fmt.Sprintf(auth, "s3")}}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q := c.q
				if r := table.Find(&q); r.Op == nil {
					b.Fatal(r.Err)
				}
			}
		})
	}
}
