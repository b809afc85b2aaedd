package apigateway

import (
	"context"
	"crypto/sha256"
	"io"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// shelf is where API keys and usage plans lie: they belong to an account and region, not to an API.
type shelf struct{ account, region string }

func shelfOf(id aws.Identity) shelf { return shelf{id.Account, id.Region} }

func (h shelf) keys() store.Tuple  { return home(h.account, h.region).Text("key") }
func (h shelf) plans() store.Tuple { return home(h.account, h.region).Text("plan") }
func (h shelf) members(plan string) store.Tuple {
	return home(h.account, h.region).Text("member").Text(plan)
}
func (h shelf) plansOf(key string) store.Tuple {
	return home(h.account, h.region).Text("plansof").Text(key)
}
func (h shelf) value(value string) store.Key {
	sum := sha256.Sum256([]byte(value))
	return store.Key(home(h.account, h.region).Text("keyvalue").Bytes(sum[:]))
}

func noKey() error { return notFound("Invalid API Key identifier specified") }

// newValue is a random API key, 40 letters and digits.
func (s *Service) newValue() (string, error) {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := make([]byte, keyLength)
	if _, err := io.ReadFull(s.Rand, b); err != nil {
		return "", err
	}
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b), nil
}

// CreateApiKey makes an API key, of a value that it is given or of a random one.
func (s *Service) CreateApiKey(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateApiKeyRequest) (*apigatewayapi.ApiKey, error) {
	own, err := s.newID(idLength)
	if err != nil {
		return nil, err
	}
	value := text(in.Value)
	switch {
	case value == "":
		if value, err = s.newValue(); err != nil {
			return nil, err
		}
	case len(value) < minKey:
		return nil, bad("API Key value should be at least %d characters", minKey)
	case len(value) > maxKey:
		return nil, bad("API Key value exceeds maximum size of %d characters", maxKey)
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	enabled := truth(in.Enabled)
	h := shelfOf(id)
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*apigatewayapi.ApiKey, error) {
		if _, taken, err := tx.Get(h.value(value)); err != nil || taken {
			if err == nil {
				err = conflict("API Key already exists")
			}
			return nil, err
		}
		if n, err := count(tx, h.keys(), maxKeys); err != nil || n >= maxKeys {
			if err == nil {
				err = exceeded("Maximum number of API keys reached: %d", maxKeys)
			}
			return nil, err
		}
		now := tx.Now()
		k := &apigatewayapi.ApiKey{Id: &own, Value: &value, Name: in.Name, CustomerId: in.CustomerId, Description: in.Description, Enabled: &enabled,
			CreatedDate: &now, LastUpdatedDate: &now, StageKeys: []string{}, Tags: in.Tags}
		for _, st := range in.StageKeys {
			k.StageKeys = append(k.StageKeys, text(st.RestApiId)+"/"+text(st.StageName))
		}
		tx.Set(h.value(value), store.Value(own))
		return k, save(tx, h.keys().Text(own), k)
	})
}

// GetApiKey describes an API key; its value only when that is asked for.
func (s *Service) GetApiKey(ctx context.Context, id aws.Identity, in *apigatewayapi.GetApiKeyRequest) (*apigatewayapi.ApiKey, error) {
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (*apigatewayapi.ApiKey, error) {
		k, err := must[apigatewayapi.ApiKey](r, shelfOf(id).keys().Text(in.ApiKey), noKey())
		if err == nil && !truth(in.IncludeValue) {
			k.Value = nil
		}
		return k, err
	})
}

// GetApiKeys lists API keys.
func (s *Service) GetApiKeys(ctx context.Context, id aws.Identity, in *apigatewayapi.GetApiKeysRequest) (*apigatewayapi.ApiKeys, error) {
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (*apigatewayapi.ApiKeys, error) {
		items, next, err := pageOf(r, shelfOf(id).keys(), in.Position, in.Limit, func(k *apigatewayapi.ApiKey) bool {
			return strings.HasPrefix(text(k.Name), text(in.NameQuery)) && (in.CustomerId == nil || text(k.CustomerId) == *in.CustomerId)
		})
		for i := range items {
			if !truth(in.IncludeValues) {
				items[i].Value = nil
			}
		}
		return &apigatewayapi.ApiKeys{Items: items, Position: next}, err
	})
}

// UpdateApiKey changes an API key.
func (s *Service) UpdateApiKey(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateApiKeyRequest) (*apigatewayapi.ApiKey, error) {
	type key = apigatewayapi.ApiKey
	rules := []rule[key]{
		textRule("/name", "replace", func(v *key) **string { return &v.Name }),
		textRule("/description", "replace", func(v *key) **string { return &v.Description }),
		textRule("/customerId", "replace", func(v *key) **string { return &v.CustomerId }),
		boolRule("/enabled", func(v *key) **bool { return &v.Enabled }),
	}
	at := shelfOf(id).keys().Text(in.ApiKey)
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*key, error) {
		k, err := must[key](tx, at, noKey())
		if err != nil {
			return nil, err
		}
		if err := patch(k, rules, in.PatchOperations); err != nil {
			return nil, err
		}
		now := tx.Now()
		k.LastUpdatedDate = &now
		err = save(tx, at, k)
		shown := *k
		shown.Value = nil
		return &shown, err
	})
}

// DeleteApiKey deletes an API key, and takes it from its usage plans.
func (s *Service) DeleteApiKey(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteApiKeyRequest) (*apigatewayapi.DeleteApiKeyOutput, error) {
	h := shelfOf(id)
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (*apigatewayapi.DeleteApiKeyOutput, error) {
		k, err := must[apigatewayapi.ApiKey](tx, h.keys().Text(in.ApiKey), noKey())
		if err != nil {
			return nil, err
		}
		plans, err := namesBelow(tx, h.plansOf(in.ApiKey))
		for _, plan := range plans {
			h.dismiss(tx, plan, in.ApiKey)
		}
		tx.Delete(h.value(*k.Value))
		if err == nil {
			err = store.DeleteLarge(tx, store.Key(h.keys().Text(in.ApiKey)))
		}
		return &apigatewayapi.DeleteApiKeyOutput{}, err
	})
}

// namesBelow are the last elements of the keys below prefix.
func namesBelow(r store.Reader, prefix store.Tuple) (names []string, err error) {
	pairs, done := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		names = append(names, store.Decode(kv.Key, len(prefix)).Text())
	}
	return names, done()
}
