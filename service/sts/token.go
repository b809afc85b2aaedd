package sts

import (
	"bytes"
	"compress/flate"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
)

// packed is PackedPolicySize: how much of the room for policies and tags a session takes, in per cent; nil when it has
// neither. AWS compresses them by a method of its own, so that the figure is like AWS's, not the same.
func (v *session) packed() (*int32, error) {
	if len(v.Policies)+len(v.PolicyARNs)+len(v.Tags) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	parts := append(append([]string(nil), v.Policies...), v.PolicyARNs...)
	for _, k := range sorted(v.Tags) {
		parts = append(parts, k, v.Tags[k])
	}
	if _, err := w.Write([]byte(strings.Join(parts, "\x00"))); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	percent := max(1, int32(b.Len()*100/maxPacked))
	if percent > 100 {
		return nil, &stsapi.PackedPolicyTooLargeException{Message: "Packed size of session tags consumes " + strconv.Itoa(int(percent)) +
			"% of allotted space."}
	}
	return &percent, nil
}

// longTerm fails for callers who use temporary credentials.
func longTerm(id aws.Identity, op string) error {
	if id.Kind != aws.User && id.Kind != aws.Root || !id.TokenIssued.IsZero() {
		return aws.Errorf("AccessDenied", http.StatusForbidden, "Cannot call %s with session credentials", op)
	}
	return nil
}

// userSeconds is the duration of the sessions of users; the root user's are shorter.
func userSeconds(id aws.Identity, asked *int32) time.Duration {
	n := aws.Or(asked, defaultUser)
	if id.Kind == aws.Root {
		n = min(n, maxRoot)
	}
	return time.Duration(n) * time.Second
}

// entityOf names the entity behind a caller; the root user is none.
func entityOf(id aws.Identity) (arn, unique string) {
	if id.Kind == aws.Root {
		return id.ARN, ""
	}
	return id.ARN, id.PrincipalID
}

// GetSessionToken starts a session of the user who calls.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
func (s *Service) GetSessionToken(ctx context.Context, id aws.Identity, in *stsapi.GetSessionTokenRequest) (*stsapi.GetSessionTokenResponse, error) {
	if err := longTerm(id, "GetSessionToken"); err != nil {
		return nil, err
	}
	if in.TokenCode != nil {
		return nil, aws.Errorf("AccessDenied", http.StatusForbidden, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	v := &session{Kind: id.Kind, Account: id.Account, ARN: id.ARN, Principal: id.PrincipalID, Name: id.Name}
	v.Entity, v.EntityID = entityOf(id)
	c, err := s.issue(ctx, v, userSeconds(id, in.DurationSeconds))
	if err != nil {
		return nil, err
	}
	return &stsapi.GetSessionTokenResponse{Credentials: apiCredentials(c)}, nil
}

// GetFederationToken starts a session for somebody whom the calling user vouches for.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
func (s *Service) GetFederationToken(ctx context.Context, id aws.Identity, in *stsapi.GetFederationTokenRequest) (*stsapi.GetFederationTokenResponse, error) {
	if err := longTerm(id, "GetFederationToken"); err != nil {
		return nil, err
	}
	v := &session{Kind: aws.FederatedUser, Account: id.Account, Principal: id.Account + ":" + in.Name,
		ARN: "arn:" + aws.Partition + ":sts::" + id.Account + ":federated-user/" + in.Name}
	v.Entity, v.EntityID = entityOf(id)
	var err error
	if v.Policies, v.PolicyARNs, err = s.sessionPolicies(ctx, id.Account, in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	if v.Tags, _, err = sessionTags(aws.Identity{}, in.Tags, nil); err != nil {
		return nil, err
	}
	packed, err := v.packed()
	if err != nil {
		return nil, err
	}
	c, err := s.issue(ctx, v, userSeconds(id, in.DurationSeconds))
	if err != nil {
		return nil, err
	}
	return &stsapi.GetFederationTokenResponse{Credentials: apiCredentials(c), PackedPolicySize: packed,
		FederatedUser: &stsapi.FederatedUser{FederatedUserId: v.Principal, Arn: v.ARN}}, nil
}

// GetCallerIdentity says who calls.
func (s *Service) GetCallerIdentity(_ context.Context, id aws.Identity, _ *stsapi.GetCallerIdentityRequest) (*stsapi.GetCallerIdentityResponse, error) {
	return &stsapi.GetCallerIdentityResponse{UserId: new(id.PrincipalID), Account: new(id.Account), Arn: new(id.ARN)}, nil
}

// GetAccessKeyInfo says to which account an access key id belongs; the id itself tells.
func (s *Service) GetAccessKeyInfo(_ context.Context, _ aws.Identity, in *stsapi.GetAccessKeyInfoRequest) (*stsapi.GetAccessKeyInfoResponse, error) {
	_, account, _, ok := aws.ParseAccessKeyID(in.AccessKeyId)
	if !ok {
		return nil, invalid("Invalid Access Key ID: %s", in.AccessKeyId)
	}
	return &stsapi.GetAccessKeyInfoResponse{Account: new(account)}, nil
}
