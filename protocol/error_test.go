package protocol_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/cbor"
	awsjson "github.com/brume-dev/brume/protocol/json"
	"github.com/brume-dev/brume/protocol/query"
	"github.com/brume-dev/brume/protocol/rest"
	"github.com/brume-dev/brume/shape"
)

type notModified struct {
	ETag string `aws:"ETag,header=ETag"`
}

func (*notModified) Error() string { return "NotModified" }
func (*notModified) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "NotModified", Status: http.StatusNotModified, Message: "Not Modified"}
}

// TestErrors shows errors as they go over the wire: status, headers in order, body.
func TestErrors(t *testing.T) {
	plain := aws.Errorf("ThrottlingException", 400, "Rate exceeded")
	fault := fmt.Errorf("disk: %w", http.ErrBodyNotAllowed)
	denied := aws.Errorf("AccessDeniedException", 400, "no <way>")
	retry := "7"
	for _, c := range []struct {
		name   string
		codec  protocol.Codec
		svc    *aws.Service
		op     string
		header http.Header
		method string
		err    error
		want   string
	}{
		{"json 1.0 modelled", awsjson.Codec{}, dynamodbapi.Service, "GetItem", nil, "POST", &dynamodbapi.ResourceNotFoundException{Message: "gone"},
			`400 Content-Type=application/x-amz-json-1.0 X-Amz-Crc32=1911299090 X-Amzn-Requestid=id {"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"gone"}`},
		{"json 1.0 validation", awsjson.Codec{}, dynamodbapi.Service, "GetItem", nil, "POST", aws.Errorf("ValidationException", 400, "bad"),
			`400 Content-Type=application/x-amz-json-1.0 X-Amz-Crc32=1701372500 X-Amzn-Requestid=id {"__type":"com.amazon.coral.validate#ValidationException","message":"bad"}`},
		{"json 1.0 serialization", awsjson.Codec{}, sqsapi.Service, "SendMessage", nil, "POST", shape.SerializationError("Unexpected field type"),
			`400 Content-Type=application/x-amz-json-1.0 X-Amzn-Requestid=id {"__type":"com.amazon.coral.service#SerializationException","Message":"Unexpected field type"}`},
		{"json 1.0 unknown operation", awsjson.Codec{}, sqsapi.Service, "", nil, "POST", awsjson.UnknownOperation(),
			`400 Content-Type=application/x-amz-json-1.0 X-Amzn-Requestid=id {"__type":"com.amazon.coral.service#UnknownOperationException"}`},
		{"json query mode", awsjson.Codec{}, sqsapi.Service, "SendMessage", http.Header{"X-Amzn-Query-Mode": {"true"}}, "POST", &sqsapi.QueueDoesNotExist{Message: "no"},
			`400 Content-Type=application/x-amz-json-1.0 X-Amzn-Query-Error=AWS.SimpleQueueService.NonExistentQueue;Sender X-Amzn-Requestid=id {"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`},
		{"json 1.1", awsjson.Codec{}, kmsapi.Service, "Encrypt", http.Header{"Content-Type": {"application/x-amz-json-1.1; charset=utf-8"}}, "POST", denied,
			`400 Content-Type=application/x-amz-json-1.1 X-Amzn-Requestid=id {"__type":"AccessDeniedException","Message":"no <way>"}`},
		{"json fault", awsjson.Codec{}, kmsapi.Service, "Encrypt", nil, "POST", fault,
			`500 Content-Type=application/x-amz-json-1.1 X-Amzn-Requestid=id {"__type":"InternalFailure","message":"The request processing has failed because of an unknown error, exception or failure."}`},
		{"query", query.Codec{}, iamapi.Service, "GetRole", nil, "POST", &iamapi.NoSuchEntityException{Message: "The role <x> cannot be found."},
			`404 Content-Type=text/xml X-Amzn-Requestid=id <ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The role &lt;x&gt; cannot be found.</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
		{"query unknown action", query.Codec{}, iamapi.Service, "", nil, "POST", query.UnknownAction("Nope", ""),
			`400 Content-Type=text/xml X-Amzn-Requestid=id <ErrorResponse xmlns="http://webservices.amazon.com/AWSFault/2005-15-09"><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation Nope for version NO_VERSION_SPECIFIED</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
		{"query fault", query.Codec{}, iamapi.Service, "GetRole", nil, "POST", fault,
			`500 Content-Type=text/xml X-Amzn-Requestid=id <ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Receiver</Type><Code>InternalFailure</Code><Message>The request processing has failed because of an unknown error, exception or failure.</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
		{"query old code", query.Codec{}, sqsapi.Service, "SendMessage", nil, "POST", &sqsapi.QueueDoesNotExist{Message: "no"},
			`400 Content-Type=text/xml X-Amzn-Requestid=id <ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>no</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
		{"ec2", query.EC2{}, iamapi.Service, "GetRole", nil, "POST", plain,
			"400 Content-Type=text/xml X-Amzn-Requestid=id <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>ThrottlingException</Code><Message>Rate exceeded</Message></Error></Errors><RequestID>id</RequestID></Response>"},
		{"restJson modelled", rest.JSON{}, lambdaapi.Service, "GetFunction", nil, "GET", &lambdaapi.ResourceNotFoundException{Message: "Function not found: f"},
			`404 Content-Type=application/json X-Amzn-Errortype=ResourceNotFoundException X-Amzn-Requestid=id {"Type":"User","Message":"Function not found: f"}`},
		{"restJson header of an error", rest.JSON{}, lambdaapi.Service, "Invoke", nil, "POST", &lambdaapi.TooManyRequestsException{Message: "slow down", RetryAfterSeconds: &retry},
			`429 Content-Type=application/json Retry-After=7 X-Amzn-Errortype=TooManyRequestsException X-Amzn-Requestid=id {"Type":"User","message":"slow down"}`},
		{"restJson coded", rest.JSON{}, lambdaapi.Service, "Invoke", nil, "POST", denied,
			`400 Content-Type=application/json X-Amzn-Errortype=AccessDeniedException X-Amzn-Requestid=id {"Message":"no <way>"}`},
		{"restJson unknown path", rest.JSON{}, lambdaapi.Service, "", nil, "GET", rest.UnknownPath(),
			`404 Content-Type=application/json X-Amzn-Errortype=UnknownOperationException X-Amzn-Requestid=id {}`},
		{"s3", rest.XML{}, s3api.Service, "GetObject", nil, "GET", &s3api.NoSuchKey{Message: "The specified key does not exist."},
			"404 Content-Type=application/xml Server=AmazonS3 X-Amz-Id-2=host X-Amz-Request-Id=id <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>k&amp;</Key><RequestId>id</RequestId><HostId>host</HostId></Error>"},
		{"s3 bucket", rest.XML{}, s3api.Service, "GetObject", nil, "GET", &s3api.NoSuchBucket{Message: "The specified bucket does not exist"},
			"404 Content-Type=application/xml Server=AmazonS3 X-Amz-Id-2=host X-Amz-Request-Id=id <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>b</BucketName><RequestId>id</RequestId><HostId>host</HostId></Error>"},
		{"s3 head", rest.XML{}, s3api.Service, "HeadObject", nil, "HEAD", aws.Errorf("NotFound", 404, "Not Found"),
			`404 Server=AmazonS3 X-Amz-Id-2=host X-Amz-Request-Id=id `},
		{"s3 not modified", rest.XML{}, s3api.Service, "GetObject", nil, "GET", &notModified{`"e"`},
			`304 Etag="e" Server=AmazonS3 X-Amz-Id-2=host X-Amz-Request-Id=id `},
		{"s3 method", rest.XML{}, s3api.Service, "", nil, "PATCH", rest.MethodNotAllowed("PATCH", "BUCKET", []string{"GET", "PUT"}),
			"405 Content-Type=application/xml Server=AmazonS3 X-Amz-Id-2=host X-Amz-Request-Id=id <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>MethodNotAllowed</Code><Message>The specified method is not allowed against this resource.</Message><Method>PATCH</Method><ResourceType>BUCKET</ResourceType><AllowedMethods>GET, PUT</AllowedMethods><RequestId>id</RequestId><HostId>host</HostId></Error>"},
		{"cbor", cbor.Codec{}, sqsapi.Service, "SendMessage", http.Header{"X-Amzn-Query-Mode": {"true"}}, "POST", plain,
			"400 Content-Type=application/cbor Smithy-Protocol=rpc-v2-cbor X-Amzn-Query-Error=ThrottlingException;Sender X-Amzn-Requestid=id \xa2f__typesThrottlingExceptiongmessagemRate exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRequest(c.method, c.header, nil)
			r.HostID, r.Labels = "host", map[string]string{"Bucket": "b", "Key": "k&"}
			if c.method == "HEAD" || c.op == "" {
				r.Labels = nil
			}
			w := c.codec.Error(c.svc, c.svc.Lookup(c.op), r, c.err)
			var b strings.Builder
			fmt.Fprintf(&b, "%d ", w.Status)
			var keys []string
			for k := range w.Header {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				fmt.Fprintf(&b, "%s=%s ", k, strings.Join(w.Header[k], "|"))
			}
			b.Write(w.Body)
			if b.String() != c.want {
				t.Errorf("\n got %q\nwant %q", b.String(), c.want)
			}
		})
	}
}

// TestMalformedRequests shows what each protocol answers to requests that it cannot read.
func TestMalformedRequests(t *testing.T) {
	const notXML = "MalformedXML 400 The XML you provided was not well-formed or did not validate against our published schema"
	for _, c := range []struct {
		name        string
		codec       protocol.Codec
		svc         *aws.Service
		op          string
		query, body string
		header      http.Header
		want        string
	}{
		{"json", awsjson.Codec{}, kmsapi.Service, "Encrypt", "", "{", nil, "SerializationException 400 "},
		{"json kind", awsjson.Codec{}, kmsapi.Service, "Encrypt", "", `{"KeyId":1}`, nil, "SerializationException 400 NUMBER_VALUE can not be converted to a String"},
		{"json short", awsjson.Codec{}, kmsapi.Service, "Encrypt", "", "short", nil, "SerializationException 400 The request body ended before it was complete"},
		{"cbor", cbor.Codec{}, kmsapi.Service, "Encrypt", "", "\xa1", nil, "SerializationException 400 "},
		{"cbor kind", cbor.Codec{}, kmsapi.Service, "Encrypt", "", "\xa1eKeyId\x01", nil, "SerializationException 400 NUMBER_VALUE can not be converted to a String"},
		{"cbor trailing", cbor.Codec{}, kmsapi.Service, "Encrypt", "", "\xa0\x00", nil, "SerializationException 400 "},
		{"cbor deep", cbor.Codec{}, kmsapi.Service, "Encrypt", "", "\xa1ax" + strings.Repeat("\x81", 600) + "\x01", nil, "SerializationException 400 CBOR is nested too deeply"},
		{"query escape", query.Codec{}, iamapi.Service, "ListRoles", "", "MaxItems=%zz", nil, "MalformedQueryString 404 The query string contains a syntax error."},
		{"query number", query.Codec{}, iamapi.Service, "ListRoles", "", "MaxItems=many", nil, "MalformedInput 400 The value of parameter MaxItems is not valid"},
		{"query structure as text", query.Codec{}, iamapi.Service, "CreateRole", "", "Tags.member.1=x", nil, ""},
		{"query deep", query.Codec{}, iamapi.Service, "ListRoles", "", strings.Repeat("a.", 200) + "=1", nil, "MalformedQueryString 404 The query string contains a syntax error."},
		{"restJson", rest.JSON{}, lambdaapi.Service, "CreateFunction", "", "{", nil, "SerializationException 400 "},
		{"restJson parameter", rest.JSON{}, lambdaapi.Service, "ListFunctions", "MaxItems=x", "", nil, "SerializationException 400 STRING_VALUE can not be converted to an Integer"},
		{"restJson query", rest.JSON{}, lambdaapi.Service, "ListFunctions", "MaxItems=%", "", nil, "SerializationException 400 The query string contains a syntax error."},
		{"s3 integer", rest.XML{}, s3api.Service, "ListObjectsV2", "max-keys=x", "", nil, "InvalidArgument 400 Provided max-keys not an integer or within integer range"},
		{"s3 date", rest.XML{}, s3api.Service, "GetObject", "", "", http.Header{"If-Modified-Since": {"yesterday"}}, ""},
		{"s3 uri", rest.XML{}, s3api.Service, "ListObjectsV2", "prefix=%zz", "", nil, "InvalidURI 400 Couldn't parse the specified URI."},
		{"s3 xml", rest.XML{}, s3api.Service, "PutBucketTagging", "", "<Tagging>", nil, notXML},
		{"s3 doctype", rest.XML{}, s3api.Service, "PutBucketTagging", "", "<!DOCTYPE a []><Tagging><TagSet></TagSet></Tagging>", nil, notXML},
		{"s3 root", rest.XML{}, s3api.Service, "PutBucketTagging", "", "<Tags><TagSet></TagSet></Tags>", nil, notXML},
		{"s3 required", rest.XML{}, s3api.Service, "PutBucketTagging", "", "<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>", nil, notXML},
		{"s3 enum", rest.XML{}, s3api.Service, "PutBucketVersioning", "", "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>", nil, notXML},
		{"s3 number", rest.XML{}, s3api.Service, "CompleteMultipartUpload", "", "<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part></CompleteMultipartUpload>", nil, notXML},
		{"s3 empty", rest.XML{}, s3api.Service, "DeleteObjects", "", "", nil, "MissingRequestBodyError 400 Request Body is empty"},
		{"s3 two roots", rest.XML{}, s3api.Service, "PutBucketTagging", "", "<Tagging></Tagging><Tagging></Tagging>", nil, notXML},
		{"s3 good", rest.XML{}, s3api.Service, "PutBucketTagging", "", "<Tagging xmlns=\"x\"><TagSet><Tag><Key>k</Key><Value/></Tag></TagSet></Tagging>", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			op := c.svc.Lookup(c.op)
			r := newRequest("POST", c.header, []byte(c.body))
			r.Query = c.query
			r.Labels = map[string]string{"Bucket": "b", "Key": "k"}
			if c.body == "short" {
				r.Length = 100
			}
			err := c.codec.Decode(op, r, op.NewInput())
			got := ""
			if err != nil {
				i := aws.InfoOf(err)
				got = fmt.Sprint(i.Code, " ", i.Status, " ", i.Message)
			}
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// A request that lends the header of its answer gets the headers of an error there.
func TestErrorInTheAnswersHeader(t *testing.T) {
	r := newRequest("POST", http.Header{"X-Amzn-Query-Mode": {"true"}}, nil)
	r.Answer = http.Header{}
	awsjson.Codec{}.Error(sqsapi.Service, sqsapi.Service.Lookup("SendMessage"), r, &sqsapi.QueueDoesNotExist{Message: "no"})
	if got := r.Answer.Get("X-Amzn-Query-Error"); got != "AWS.SimpleQueueService.NonExistentQueue;Sender" || r.Answer.Get("Content-Type") == "" {
		t.Errorf("headers %v", r.Answer)
	}
}
