package ecr

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"

	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

func invalid(format string, args ...any) error {
	return &ecrapi.InvalidParameterException{Message: fmt.Sprintf(format, args...)}
}

func missing(name, registry string) error {
	return &ecrapi.RepositoryNotFoundException{Message: fmt.Sprintf(
		"The repository with name '%s' does not exist in the registry with id '%s'", name, registry)}
}

// find reads a repository of the caller's registry. Other registries share nothing with it here.
func find(r store.Reader, k space, registry *string, name string) (*repository, error) {
	if registry != nil && *registry != k.account {
		return nil, missing(name, *registry)
	}
	repo := new(repository)
	ok, err := get(r, k.repository(name), repo)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, missing(name, k.account)
	}
	return repo, nil
}

// CreateRepository creates a repository.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
func (s *Service) CreateRepository(ctx context.Context, id aws.Identity, in *ecrapi.CreateRepositoryRequest) (*ecrapi.CreateRepositoryResponse, error) {
	if in.RegistryId != nil && *in.RegistryId != id.Account {
		return nil, aws.Errorf("AccessDeniedException", http.StatusBadRequest, "Repositories cannot be created in the registry with id '%s'", *in.RegistryId)
	}
	repo := &repository{Encryption: string(ecrapi.EncryptionTypeAes256)}
	if c := in.ImageScanningConfiguration; c != nil && c.ScanOnPush != nil {
		repo.ScanOnPush = *c.ScanOnPush
	}
	if err := repo.mutability(in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters); err != nil {
		return nil, err
	}
	if err := checkTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if err := s.encryption(ctx, id, repo, in.EncryptionConfiguration); err != nil {
		return nil, err
	}
	name := in.RepositoryName
	return update(ctx, s, id, func(tx store.Tx, k space) (*ecrapi.CreateRepositoryResponse, error) {
		if _, there, err := tx.Get(k.repository(name)); err != nil {
			return nil, err
		} else if there {
			return nil, &ecrapi.RepositoryAlreadyExistsException{Message: fmt.Sprintf(
				"The repository with name '%s' already exists in the registry with id '%s'", name, k.account)}
		}
		n, _, err := tx.Get(k.count())
		if err != nil {
			return nil, err
		}
		if store.ReadCounter(n) >= maxRepositories {
			return nil, &ecrapi.LimitExceededException{Message: fmt.Sprintf(
				"The maximum number of repositories (%d) in the registry with id '%s' has been reached", maxRepositories, k.account)}
		}
		made := *repo // the closure may run again
		made.Created = tx.Now()
		set(tx, k.repository(name), &made)
		tx.Add(k.count(), 1)
		if len(in.Tags) > 0 {
			set(tx, k.tags(name), merge(nil, in.Tags))
		}
		return &ecrapi.CreateRepositoryResponse{Repository: k.show(name, &made)}, nil
	})
}

// mutability takes the tag mutability of a request; MUTABLE is the default. Exclusions are required by the settings that are named
// for them, and refused by the others.
func (repo *repository) mutability(m ecrapi.ImageTagMutability, filters []ecrapi.ImageTagMutabilityExclusionFilter) error {
	if m == "" {
		m = ecrapi.ImageTagMutabilityMutable
	}
	with := m == ecrapi.ImageTagMutabilityImmutableWithExclusion || m == ecrapi.ImageTagMutabilityMutableWithExclusion
	if with != (len(filters) > 0) {
		return invalid("Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: "+
			"'Exclusion filters must be given with %s and %s, and with no other setting'",
			ecrapi.ImageTagMutabilityImmutableWithExclusion, ecrapi.ImageTagMutabilityMutableWithExclusion)
	}
	repo.Mutability, repo.Exclusions = string(m), nil
	for _, f := range filters {
		repo.Exclusions = append(repo.Exclusions, f.Filter)
	}
	return nil
}

// encryption resolves the key of a repository that is encrypted with KMS.
func (s *Service) encryption(ctx context.Context, id aws.Identity, repo *repository, c *ecrapi.EncryptionConfiguration) error {
	if c == nil {
		return nil
	}
	repo.Encryption = string(c.EncryptionType)
	if c.EncryptionType == ecrapi.EncryptionTypeAes256 {
		if c.KmsKey != nil {
			return invalid("Invalid parameter at 'encryptionConfiguration' failed to satisfy constraint: " +
				"'KMS key cannot be specified with the encryption type AES256'")
		}
		return nil
	}
	key := "alias/aws/ecr"
	if c.KmsKey != nil {
		key = *c.KmsKey
	}
	id.ViaService = "ecr.amazonaws.com"
	out, err := s.kms.DescribeKey(ctx, id, &kmsapi.DescribeKeyRequest{KeyId: key})
	if err != nil {
		info := aws.InfoOf(err)
		if info.Fault {
			return err
		}
		return &ecrapi.KmsException{Message: info.Message, KmsError: &info.Code}
	}
	if !*out.KeyMetadata.Enabled {
		code := "DisabledException"
		return &ecrapi.KmsException{Message: *out.KeyMetadata.Arn + " is disabled.", KmsError: &code}
	}
	repo.Key = *out.KeyMetadata.Arn
	return nil
}

// show renders a repository.
func (k space) show(name string, repo *repository) *ecrapi.Repository {
	arn, uri, scan, created := k.arn(name), k.uri(name), repo.ScanOnPush, repo.Created
	out := &ecrapi.Repository{RepositoryArn: &arn, RegistryId: &k.account, RepositoryName: &name, RepositoryUri: &uri, CreatedAt: &created,
		ImageTagMutability:                 ecrapi.ImageTagMutability(repo.Mutability),
		ImageTagMutabilityExclusionFilters: exclusions(repo),
		ImageScanningConfiguration:         &ecrapi.ImageScanningConfiguration{ScanOnPush: &scan},
		EncryptionConfiguration:            &ecrapi.EncryptionConfiguration{EncryptionType: ecrapi.EncryptionType(repo.Encryption)}}
	if repo.Key != "" {
		key := repo.Key
		out.EncryptionConfiguration.KmsKey = &key
	}
	return out
}

func exclusions(repo *repository) []ecrapi.ImageTagMutabilityExclusionFilter {
	var out []ecrapi.ImageTagMutabilityExclusionFilter
	for _, f := range repo.Exclusions {
		out = append(out, ecrapi.ImageTagMutabilityExclusionFilter{
			FilterType: ecrapi.ImageTagMutabilityExclusionFilterTypeWildcard, Filter: f})
	}
	return out
}

// DescribeRepositories returns the repositories that are named, or all of the registry by their names.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html
func (s *Service) DescribeRepositories(ctx context.Context, id aws.Identity, in *ecrapi.DescribeRepositoriesRequest) (*ecrapi.DescribeRepositoriesResponse, error) {
	if len(in.RepositoryNames) > 0 {
		if in.NextToken != nil || in.MaxResults != nil {
			return nil, invalid("nextToken and maxResults cannot be used together with repositoryNames")
		}
		return view(ctx, s, id, func(r store.Reader, k space) (*ecrapi.DescribeRepositoriesResponse, error) {
			out := &ecrapi.DescribeRepositoriesResponse{}
			for _, name := range in.RepositoryNames {
				repo, err := find(r, k, in.RegistryId, name)
				if err != nil {
					return nil, err
				}
				out.Repositories = append(out.Repositories, *k.show(name, repo))
			}
			return out, nil
		})
	}
	after, err := readToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := defaultPage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	return view(ctx, s, id, func(r store.Reader, k space) (*ecrapi.DescribeRepositoriesResponse, error) {
		out := &ecrapi.DescribeRepositoriesResponse{Repositories: []ecrapi.Repository{}}
		if in.RegistryId != nil && *in.RegistryId != k.account {
			return out, nil
		}
		return out, k.list(r, after, limit, out)
	})
}

// list adds a page of repositories to out.
func (k space) list(r store.Reader, after string, limit int, out *ecrapi.DescribeRepositoriesResponse) error {
	prefix := k.repositories()
	rng := prefix.Range()
	if after != "" {
		rng = prefix.Text(after).After(rng)
	}
	kvs, done := r.Scan(rng, store.ScanOpt{Limit: limit + 1})
	for kv := range kvs {
		e := store.Decode(kv.Key, len(prefix))
		name := e.Text()
		if err := e.Err(); err != nil {
			return err
		}
		if n := len(out.Repositories); n == limit {
			token := base64.RawURLEncoding.EncodeToString([]byte(*out.Repositories[n-1].RepositoryName))
			out.NextToken = &token
			break
		}
		repo := new(repository)
		if err := decode(kv.Value, repo); err != nil {
			return err
		}
		out.Repositories = append(out.Repositories, *k.show(name, repo))
	}
	return done()
}

// readToken reads what a page ended with; "" for the first page.
func readToken(token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(b) > 256 || slices.Contains(b, 0) {
		return "", invalid("Invalid parameter at 'nextToken' failed to satisfy constraint: 'must be a token that this operation returned'")
	}
	return string(b), nil
}

// DeleteRepository deletes a repository with all that belongs to it.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteRepository.html
func (s *Service) DeleteRepository(ctx context.Context, id aws.Identity, in *ecrapi.DeleteRepositoryRequest) (*ecrapi.DeleteRepositoryResponse, error) {
	name := in.RepositoryName
	return update(ctx, s, id, func(tx store.Tx, k space) (*ecrapi.DeleteRepositoryResponse, error) {
		repo, err := find(tx, k, in.RegistryId, name)
		if err != nil {
			return nil, err
		}
		for _, key := range []store.Key{k.repository(name), k.tags(name), k.policy(name)} {
			tx.Delete(key)
		}
		tx.Add(k.count(), -1)
		return &ecrapi.DeleteRepositoryResponse{Repository: k.show(name, repo)}, store.DeleteLarge(tx, k.lifecycle(name))
	})
}
