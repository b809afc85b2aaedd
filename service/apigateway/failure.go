package apigateway

import (
	"fmt"

	"github.com/brume-dev/brume/api/apigatewayapi"
)

func bad(format string, args ...any) error {
	return &apigatewayapi.BadRequestException{Message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &apigatewayapi.ConflictException{Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &apigatewayapi.NotFoundException{Message: fmt.Sprintf(format, args...)}
}

func exceeded(format string, args ...any) error {
	return &apigatewayapi.LimitExceededException{Message: fmt.Sprintf(format, args...)}
}

func noResource() error { return notFound("Invalid Resource identifier specified") }
func noMethod() error   { return notFound("Invalid Method identifier specified") }
func noIntegration() error {
	return notFound("Invalid Integration identifier specified")
}
func noResponse() error { return notFound("Invalid Response status code specified") }
func noStage() error    { return notFound("Invalid stage identifier specified") }

// text is what s points to, or "".
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func truth(b *bool) bool { return b != nil && *b }
