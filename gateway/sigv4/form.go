package sigv4

import (
	"crypto/hmac"
)

// A form of a browser-based upload signs its policy instead of a request:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html

// ParseForm reads what the fields of a form say of its author. A form without a signature gives Scheme Unsigned.
func ParseForm(field func(name string) string) (*Claim, error) {
	c := &Claim{Token: field("x-amz-security-token")}
	switch {
	case field("AWSAccessKeyId") != "" || field("Signature") != "" && field("x-amz-signature") == "":
		c.Scheme, c.AccessKey, c.Signature = FormV2, field("AWSAccessKeyId"), field("Signature")
		return c, missingFields(field, "AWSAccessKeyId", "Signature", "policy")
	case field("x-amz-signature") == "" && field("x-amz-credential") == "" && field("policy") == "":
		return c, nil
	}
	c.Scheme, c.Signature = FormV4, field("x-amz-signature")
	if err := missingFields(field, "x-amz-algorithm", "x-amz-credential", "x-amz-date", "policy", "x-amz-signature"); err != nil {
		return nil, err
	}
	if a := field("x-amz-algorithm"); a != algorithm {
		e := s3Error("InvalidArgument", 400, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
		e.ArgumentName, e.ArgumentValue = new("X-Amz-Algorithm"), new(a)
		return nil, &Failure{reason: malformed, text: e.Message, s3: e}
	}
	if f := c.parseCredential(field("x-amz-credential"), true); f != nil {
		return nil, f
	}
	if f := c.parseTime(field("x-amz-date"), true); f != nil {
		return nil, f
	}
	return c, nil
}

// missingFields names the first of the fields that is not there.
func missingFields(field func(string) string, names ...string) error {
	for _, name := range names {
		if field(name) != "" {
			continue
		}
		e := s3Error("InvalidArgument", 400, "Bucket POST must contain a field named '"+name+"'.  If it is specified, please check the order of the fields.")
		e.ArgumentName, e.ArgumentValue = new(name), new("")
		return &Failure{reason: malformed, text: e.Message, s3: e}
	}
	return nil
}

// VerifyForm recomputes the signature of a form's policy with secret and compares.
func (v *Verifier) VerifyForm(c *Claim, secret, policy string) error {
	if c.Scheme == FormV2 {
		if !hmac.Equal([]byte(signV2(secret, policy)), []byte(c.Signature)) {
			return wrongSignature(c, "", policy)
		}
		return nil
	}
	key := v.keys.get(secret, c.Date, c.Region, c.Service)
	mac := key.sign([]byte(policy))
	if !equalHex(c.Signature, mac[:]) {
		return wrongSignature(c, "", policy)
	}
	return nil
}
