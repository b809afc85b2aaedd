package lambda

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/store"
)

// GetFunction describes a function or version, with a link to its package.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
func (s *Service) GetFunction(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionRequest) (*lambdaapi.GetFunctionResponse, error) {
	p, err := find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.space, func(r store.Reader) (*lambdaapi.GetFunctionResponse, error) {
		c, err := resolve(r, p, 1)
		if err != nil {
			return nil, err
		}
		repository := "S3"
		out := &lambdaapi.GetFunctionResponse{Configuration: c.cfg.describe(p, p.arn()),
			Code: &lambdaapi.FunctionCodeLocation{RepositoryType: &repository}}
		if s.CodeURL != nil {
			link := s.CodeURL(s.codeToken(c.cfg.Package.Blob, s.Now().Add(codeLinkLife)))
			out.Code.Location = &link
		}
		if c.fn.Reserved != nil {
			out.Concurrency = &lambdaapi.Concurrency{ReservedConcurrentExecutions: c.fn.Reserved}
		}
		tags, err := get[map[string]string](r, p.space.tags(p.name))
		if tags != nil {
			out.Tags = *tags
		}
		return out, err
	})
}

// GetFunctionConfiguration describes a function or version.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html
func (s *Service) GetFunctionConfiguration(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionConfigurationRequest) (*lambdaapi.FunctionConfiguration, error) {
	p, err := find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.space, func(r store.Reader) (*lambdaapi.FunctionConfiguration, error) {
		c, err := resolve(r, p, 1)
		if err != nil {
			return nil, err
		}
		return c.cfg.describe(p, p.arn()), nil
	})
}

// ListFunctions lists the functions of the account and region, on demand with all their versions.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html
func (s *Service) ListFunctions(ctx context.Context, id aws.Identity, in *lambdaapi.ListFunctionsRequest) (*lambdaapi.ListFunctionsResponse, error) {
	k := spaceOf(id.Account, id.Region)
	all := in.FunctionVersion == lambdaapi.FunctionVersionAll
	out := &lambdaapi.ListFunctionsResponse{Functions: []lambdaapi.FunctionConfiguration{}}
	if in.MasterRegion != nil && *in.MasterRegion != "ALL" && *in.MasterRegion != id.Region {
		return out, nil // there are no functions of Lambda@Edge
	}
	return view(ctx, s, k, func(r store.Reader) (*lambdaapi.ListFunctionsResponse, error) {
		out := *out
		next, err := page(r, k.functions(), in.Marker, in.MaxItems, func(key store.Key, v store.Value) error {
			var fn function
			if err := decode(v, &fn); err != nil {
				return err
			}
			name := store.Decode(key, len(k.functions())).Text()
			p := place{space: k, name: name}
			arn := p.functionARN()
			if all {
				arn = k.arn(name, latest)
			}
			out.Functions = append(out.Functions, fn.Latest.brief(p, arn))
			if !all {
				return nil
			}
			versions, err := versionsOf(r, p)
			for _, c := range versions {
				out.Functions = append(out.Functions, c.brief(p, k.arn(name, c.version())))
			}
			return err
		})
		out.NextMarker = next
		return &out, err
	})
}

// page goes through a part of the keys below t and returns the marker of the next part, nil at the end. The marker is the
// last key that was seen.
func page(r store.Reader, t store.Tuple, marker *string, items *int32, each func(store.Key, store.Value) error) (*string, error) {
	within := t.Range()
	if marker != nil && *marker != "" {
		last, err := base64.URLEncoding.DecodeString(*marker)
		if err != nil || !strings.HasPrefix(string(last), string(t)) {
			return nil, invalid("Invalid marker: %s", *marker)
		}
		within = store.Tuple(last).After(within)
	}
	limit := min(int(or(items, maxPage)), maxPage)
	pairs, done := r.Scan(within, store.ScanOpt{Limit: limit + 1})
	n, last := 0, store.Key(nil)
	for kv := range pairs {
		if n == limit {
			next := base64.URLEncoding.EncodeToString(last)
			return &next, nil
		}
		if err := each(kv.Key, kv.Value); err != nil {
			return nil, err
		}
		n, last = n+1, append(last[:0], kv.Key...)
	}
	return nil, done()
}

// Links to packages are good for ten minutes and for this process: the blob, when they end, and a seal on both.

func (s *Service) codeToken(id string, ends time.Time) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(ends.Unix()))
	text = append(text, id...)
	return hex.EncodeToString(append(s.seal(text), text...))
}

func (s *Service) seal(text []byte) []byte {
	h := hmac.New(sha256.New, s.secret[:])
	h.Write(text)
	return h.Sum(nil)
}

// ServeCode answers a link to a package; the token is what CodeURL was given.
func (s *Service) ServeCode(w http.ResponseWriter, r *http.Request, token string) {
	b, err := hex.DecodeString(token)
	if err != nil || len(b) < sha256.Size+8 || !hmac.Equal(b[:sha256.Size], s.seal(b[sha256.Size:])) ||
		int64(binary.BigEndian.Uint64(b[sha256.Size:])) < s.Now().Unix() {
		http.Error(w, "The link is not good any more.", http.StatusForbidden)
		return
	}
	body, err := s.Blobs.Open(r.Context(), blob.ID(b[sha256.Size+8:]), 0, -1)
	if err != nil {
		http.Error(w, "The package is not there any more.", http.StatusNotFound)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/zip")
	_, _ = io.Copy(w, body) // the client has gone: nobody is left to tell
}
