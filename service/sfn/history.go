package sfn

import (
	"context"
	"encoding/base64"
	"encoding/binary"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/history"
)

// maxAnswer is how many bytes of documents a page of a history has before it ends early.
const maxAnswer = 4 << 20

// GetExecutionHistory returns events of an execution, page by page. Those of a machine with a key are for those who may use the key.
func (s *Service) GetExecutionHistory(ctx context.Context, id aws.Identity, in *sfnapi.GetExecutionHistoryInput) (*sfnapi.GetExecutionHistoryOutput, error) {
	d, rev, err := s.described(ctx, in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if err := s.MayRead(ctx, id, rev); err != nil {
		return nil, err
	}
	reverse, data := aws.Or(in.ReverseOrder, false), aws.Or(in.IncludeExecutionData, true)
	from, err := pageFrom(in.NextToken, reverse)
	if err != nil {
		return nil, err
	}
	limit := int(aws.Or(in.MaxResults, 0))
	if limit == 0 {
		limit = defaultPage
	}
	out := &sfnapi.GetExecutionHistoryOutput{Events: []sfnapi.HistoryEvent{}}
	size := 0
	err = s.engine.Events(ctx, d.Ref, from, reverse, func(e *asl.Event) bool {
		if len(out.Events) == limit || size > maxAnswer {
			out.NextToken = new(pageToken(e.ID, reverse))
			return false
		}
		if data {
			size += len(e.Input) + len(e.Output)
		}
		out.Events = append(out.Events, history.Show(e, data))
		return true
	})
	return out, err
}

// A token of a page is the event that it begins with.
const (
	forward  = 1
	backward = 2
)

func pageToken(id int64, reverse bool) string {
	b := []byte{forward}
	if reverse {
		b[0] = backward
	}
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(b, uint64(id)))
}

func pageFrom(token *string, reverse bool) (int64, error) {
	if token == nil {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*token)
	if err == nil && len(b) > 1 && b[0] == map[bool]byte{false: forward, true: backward}[reverse] {
		if id, n := binary.Uvarint(b[1:]); n == len(b)-1 && id > 0 && id < 1<<32 {
			return int64(id), nil
		}
	}
	return 0, &sfnapi.InvalidToken{Message: "Invalid Token: 'Invalid token'"}
}
