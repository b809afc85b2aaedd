package gateway

import "time"

// Bounds of the socket.
const (
	roomSize = 4 << 10 // most answers fit; larger ones are written to memory of their own

	// maxHeader bounds the request line and headers. S3 takes 8 KiB of headers and API Gateway 10,240 bytes, each
	// after the request line and what proxies add.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
	maxHeader = 64 << 10
	// firstByteTimeout is how long a connection may take to send its first byte, headerTimeout the headers.
	firstByteTimeout = time.Minute
	headerTimeout    = time.Minute
	// idleTimeout is above what SDKs keep idle connections for (Go 90 s, boto3 none, JavaScript none).
	idleTimeout = 5 * time.Minute
	// drainTimeout is how long Run waits for requests under way when it is told to stop: enough for any ordinary call,
	// while long polls and long invocations are cut off, which loses nothing that was acknowledged.
	drainTimeout = 3 * time.Second
	// maxStreams is the number of requests that one HTTP/2 connection may have under way.
	maxStreams = 1000
)

// Bounds of request bodies, by what they are for. A body is counted as it is on the wire.
const (
	maxBody = 8 << 20
	// maxDynamoDB: BatchWriteItem "can transmit up to 16MB of data over the network".
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
	maxDynamoDB = 16 << 20
	// maxInvoke is Lambda's synchronous payload, 6 MiB.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	maxInvoke = 6 << 20
	// maxCode is what Lambda names for operations that carry code: 50 MiB of zip in base64, and the rest of the JSON.
	maxCode = 70_167_211
	// maxObject is the largest object that one PUT takes, 5 GiB, with the overhead of its chunks.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
	maxObject = 5<<30 + 64<<20
	// maxPlane bounds requests to data planes: API Gateway's payload, 10 MB, is the larger of the two.
	maxPlane = 10 << 20
	// maxInflated bounds what a compressed request may become.
	maxInflated = 16 << 20
)

// bodyLimit is the largest body that an operation takes.
func bodyLimit(service, op string) int64 {
	switch service {
	case "s3":
		if op == "PutObject" || op == "UploadPart" {
			return maxObject
		}
		return maxBody // documents: the 1,000 keys of a DeleteObjects, the 10,000 parts of an upload
	case "dynamodb":
		return maxDynamoDB
	case "lambda":
		switch op {
		case "CreateFunction", "UpdateFunctionCode", "PublishLayerVersion":
			return maxCode
		case "Invoke", "InvokeAsync", "InvokeWithResponseStream":
			return maxInvoke
		}
	}
	return maxBody
}
