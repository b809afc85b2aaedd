package execution

import "context"

type requestKey struct{}

// WithRequest returns the context of a call that the request of a task with this key makes: an execution that it starts is
// started once (see Begin).
func WithRequest(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, requestKey{}, key)
}

// RequestOf is the key that WithRequest set, or "".
func RequestOf(ctx context.Context) string {
	key, _ := ctx.Value(requestKey{}).(string)
	return key
}
