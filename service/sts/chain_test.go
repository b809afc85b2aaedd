package sts_test

import (
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
)

// A role's session assumes another role when its own policies and that role's trust policy allow it, at every call.
func TestChainForServices(t *testing.T) {
	w := newWorld(t)
	first := w.role(account, "first", `{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	second := w.role(account, "second", `{"Effect":"Allow","Principal":{"AWS":"`+first+`"},"Action":"sts:AssumeRole"}`)
	closed := w.role(account, "closed", `{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	w.permit("second", `"s3:*"`)
	states := aws.ForService("states.amazonaws.com", account, "eu-west-1", "", aws.Request{ID: "1"})
	who, _, err := w.sts.Assume(t.Context(), states, first, "m")
	if err != nil {
		t.Fatal(err)
	}
	id, c, err := w.sts.Chain(t.Context(), who, second, "m")
	if err != nil || id.ARN != "arn:aws:sts::000000000000:assumed-role/second/m" || id.Region != "eu-west-1" || id.Request.ID != "1" ||
		!w.may(id, "s3:GetObject") || c.Expires.Sub(w.clock.Now()) != time.Hour {
		t.Fatalf("%+v %v", id, err)
	}
	if _, d, err := w.sts.Chain(t.Context(), who, second, "m"); err != nil || d != c {
		t.Error("not kept", err)
	}
	if _, err := w.clock.Advance(t.Context(), 56*time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, d, err := w.sts.Chain(t.Context(), who, second, "m"); err != nil || d == c {
		t.Error("not renewed", err)
	}
	w.permit("first", `"sts:AssumeRole"`) // its own permission is not enough
	if _, _, err := w.sts.Chain(t.Context(), who, closed, "m"); aws.CodeOf(err) != "AccessDenied" {
		t.Error(err)
	}
	if _, _, err := w.sts.Chain(t.Context(), states, second, "m"); err == nil {
		t.Error("a service is no role's session")
	}
}
