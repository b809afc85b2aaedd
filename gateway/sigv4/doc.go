// Package sigv4 tells who sent a request. It reads the four ways in which AWS requests are signed (Signature Version 4
// in a header or in the query, S3's Version 2 likewise), verifies the signature with the secret of the key, checks
// ages, and reads streaming bodies whose chunks are signed one by one. It signs requests too, for our own clients.
//
// The algorithm is that of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html;
// S3 differs from the other services in how the path is encoded and in how a body takes part:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html.
//
// The package knows neither keys nor clocks: secrets and the time are handed in, so that golden files can be
// compared with what botocore signs.
package sigv4
