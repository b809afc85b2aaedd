package sns

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/service/sns/envelope"
	"github.com/brume-dev/brume/service/sns/signature"
	"github.com/brume-dev/brume/store"
)

// signingKey is the platform's key, made at the first need and kept in the store.
func (s *Service) signingKey(ctx context.Context) (*signature.Key, error) {
	s.keyMu.Lock()
	defer s.keyMu.Unlock()
	if s.key != nil {
		return s.key, nil
	}
	shard, at := s.Store.Shard(store.Global()), global().Text("key")
	kept, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) ([]byte, error) {
		b, _, err := r.Get(at)
		return append([]byte(nil), b...), err
	})
	if err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		made, err := signature.Generate(s.Rand, s.Clock.Now())
		if err != nil {
			return nil, err
		}
		kept, err = store.Update(ctx, shard, func(_ context.Context, tx store.Tx) ([]byte, error) {
			b, there, err := tx.Get(at)
			if err != nil || there {
				return append([]byte(nil), b...), err
			}
			b = made.Encode()
			tx.Set(at, b)
			return b, nil
		})
		if err != nil {
			return nil, err
		}
	}
	s.key, err = signature.Decode(kept)
	return s.key, err
}

// sign signs m by a SignatureVersion.
func (s *Service) sign(m *envelope.Message, signatureVersion string) error {
	k, err := s.signingKey(context.Background())
	if err != nil {
		return err
	}
	m.SignatureVersion, m.CertURL = signatureVersion, s.Certificates()+"/"+k.Name()
	m.Signature, err = k.Text(signatureVersion, m.SigningText())
	return err
}

// Certificate returns the signing certificate of this name, the last part of SigningCertURL, in PEM.
func (s *Service) Certificate(ctx context.Context, name string) ([]byte, bool, error) {
	if !strings.HasSuffix(name, ".pem") {
		return nil, false, nil
	}
	k, err := s.signingKey(ctx)
	if err != nil || k.Name() != name {
		return nil, false, err
	}
	return k.PEM(), true, nil
}
