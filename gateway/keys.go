package gateway

import (
	"context"

	"github.com/brume-dev/brume/aws"
)

// Keys says what an access key id stands for. service/iam and service/sts implement it over a cache that their commits
// invalidate: it is asked once for every signed request.
type Keys interface {
	// Key returns the credentials that belong to an access key id and the identity that they prove. ok is false when
	// the platform never issued the id, or it was deleted or made inactive.
	//
	// token is the session token that came with the request. The implementation need not compare it: the gateway
	// refuses a request whose token differs from the SessionToken returned, or whose credentials have expired by
	// the platform's clock. Of the Identity, the gateway fills in Region, AccessKey and Request.
	Key(ctx context.Context, accessKeyID, token string) (c aws.Credentials, id aws.Identity, ok bool, err error)
}
