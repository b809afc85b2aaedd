package execution

import (
	"context"
	"errors"

	"github.com/brume-dev/brume/asl"
)

// Mapping is the thread of a distributed Map state that waits for its map run, with what evaluating its ItemSelector may know; nil
// when it does not wait any more.
func (e *Engine) Mapping(ctx context.Context, at At, gen, seq int64) (*asl.Thread, *asl.Setting, error) {
	st, err := e.load(ctx, at.point(gen, seq), asl.Faulted)
	if errors.Is(err, errVoid) || errors.Is(err, errDeleting) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := e.setting(st, st.head.Next)
	return &st.self.T, s, err
}
