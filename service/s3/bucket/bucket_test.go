package bucket

import (
	"testing"
)

func TestRange(t *testing.T) {
	for _, c := range []struct {
		header    string
		size      int64
		off, n    int64
		given, ok bool
	}{
		{"bytes=0-4", 10, 0, 5, true, true},
		{"bytes=5-", 10, 5, 5, true, true},
		{"bytes=-3", 10, 7, 3, true, true},
		{"bytes=-30", 10, 0, 10, true, true},
		{"bytes=5-99", 10, 5, 5, true, true},
		{"bytes=10-", 10, 0, 0, true, false},
		{"bytes=-0", 10, 10, 0, true, false},
		{"bytes=0-", 0, 0, 0, true, false},
		{"bytes=4-2", 10, 0, 10, false, true},
		{"bytes=0-1,3-4", 10, 0, 10, false, true},
		{"items=0-1", 10, 0, 10, false, true},
	} {
		sp, given, ok := ParseRange(c.header, c.size)
		if sp.Off != c.off || sp.N != c.n || given != c.given || ok != c.ok {
			t.Errorf("%s of %d: %v %v %v", c.header, c.size, sp, given, ok)
		}
	}
}

func TestPolicies(t *testing.T) {
	b := &Bucket{Name: "b"}
	st := func(s string) string { return `{"Version":"2012-10-17","Statement":[{` + s + `}]}` }
	for doc, want := range map[string]string{
		"x": "Policies must be valid JSON and the first byte must be '{'",
		st(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::c/*"`):                                                       "Policy has invalid resource",
		st(`"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"arn:aws:s3:::b"`):                                                      "Policy has invalid action",
		st(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b"`):                                                         "Action does not apply to any resource(s) in statement",
		st(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`):                                                       "public",
		st(`"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b"]`):                                                                "",
		st(`"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"arn:aws:s3:::b*","Condition":{"StringEquals":{"aws:SourceAccount":"1"}}`): "",
	} {
		public, err := b.CheckPolicy(doc)
		got := ""
		if public {
			got = "public"
		}
		if e, ok := err.(interface{ Unwrap() error }); ok && e != nil {
			got = err.Error()[len("MalformedPolicy: "):]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
	}
}

// FuzzParsers feeds what clients write to the parsers: none may panic, and ids must be our own.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{"bytes=0-4", "/b/k?versionId=x", "a=b&c=d", "%", "bytes=-", SealSeq(1, 2, "version"), "MWE=", `{"Statement":{}}`} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, s string, size int64) {
		if size < 0 {
			size = 0
		}
		if sp, _, ok := ParseRange(s, size); ok && (sp.Off < 0 || sp.N < 0 || sp.Off+sp.N > size) {
			t.Errorf("range %q of %d: %v", s, size, sp)
		}
		if seq, ok := OpenSeq(1, s, "version"); ok && SealSeq(1, seq, "version") != s {
			t.Errorf("%q opened as %d", s, seq)
		}
		if from, err := ParseSource(s); err == nil && (from.Bucket == "" || from.Key == "") {
			t.Errorf("source %q: %v", s, from)
		}
		_, _ = OpenToken(s)
		_, _ = tagHeader(s)
		_, _ = ReadContext(s)
		_, _ = (&Bucket{Name: "b"}).CheckPolicy(s)
	})
}
