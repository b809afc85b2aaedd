package egress

import (
	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
)

// Resource is the ARN that an operation on connections and API destinations is about, as policies write it; "*" for those
// that are about none.
func Resource(id aws.Identity, in any) string {
	kind, name := connectionKind, ""
	switch in := in.(type) {
	case *eventbridgeapi.CreateConnectionRequest:
		name = in.Name
	case *eventbridgeapi.UpdateConnectionRequest:
		name = in.Name
	case *eventbridgeapi.DeleteConnectionRequest:
		name = in.Name
	case *eventbridgeapi.DescribeConnectionRequest:
		name = in.Name
	case *eventbridgeapi.DeauthorizeConnectionRequest:
		name = in.Name
	case *eventbridgeapi.CreateApiDestinationRequest:
		kind, name = destinationKind, in.Name
	case *eventbridgeapi.UpdateApiDestinationRequest:
		kind, name = destinationKind, in.Name
	case *eventbridgeapi.DeleteApiDestinationRequest:
		kind, name = destinationKind, in.Name
	case *eventbridgeapi.DescribeApiDestinationRequest:
		kind, name = destinationKind, in.Name
	default:
		return "*"
	}
	return aws.MakeARN(service, id.Region, id.Account, kind+"/"+name).String()
}
