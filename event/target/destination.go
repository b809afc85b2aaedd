package target

import (
	"context"
	"net/http"

	"github.com/brume-dev/brume/aws"
)

// Destinations delivers events to API destinations. service/eventbridge implements it.
type Destinations interface {
	// Deliver calls the endpoint of the API destination arn with body, as id. Errors are aws.Errors; their status says
	// whether to try again.
	Deliver(ctx context.Context, id aws.Identity, arn string, body []byte, more *HTTP) error
}

// HTTP is what a target adds to the calls of an API destination.
type HTTP struct {
	Path   []string          `cbor:"1,keyasint,omitempty"` // for the asterisks of the endpoint, in their order
	Header map[string]string `cbor:"2,keyasint,omitempty"`
	Query  map[string]string `cbor:"3,keyasint,omitempty"`
}

// toDestination calls an API destination.
func toDestination(ctx context.Context, a *attempt) error {
	if a.destinations == nil {
		return aws.Errorf("ResourceNotFoundException", http.StatusNotFound, "there are no API destinations")
	}
	more := a.HTTP
	if more == nil {
		more = &HTTP{}
	}
	return a.destinations.Deliver(ctx, a.id, a.Target, a.Body, more)
}
