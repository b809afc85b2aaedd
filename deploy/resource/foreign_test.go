package resource

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/brume-dev/brume/jsondoc"
	"golang.org/x/tools/txtar"
)

// TestForeign creates what is there already under its name: the creation fails, and nothing is left of it that would be deleted
// when the stack goes back.
func TestForeign(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, f := range files {
		kind := "AWS::" + strings.ReplaceAll(strings.SplitN(strings.TrimSuffix(filepath.Base(f), ".txtar"), "_", 2)[0], "-", "::")
		k, _ := Find(kind)
		ar, err := txtar.ParseFile(f)
		if err != nil || k == nil {
			t.Fatalf("%s: %v", f, err)
		}
		r := &recorder{t: t, exists: true, answers: map[string]string{"sqs:GetQueueUrl": "{}", "sns:GetTopicAttributes": "{}", "sfn:DescribeStateMachine": "{}",
			"sfn:DescribeActivity": "{}"}}
		for _, part := range ar.Files {
			for _, line := range strings.Split(string(part.Data), "\n") {
				if name, answer, ok := strings.Cut(line, " "); ok && part.Name == "answers" && !strings.HasPrefix(answer, "error") {
					r.answers[name] = answer
				}
			}
		}
		for _, part := range ar.Files {
			if part.Name != "properties" {
				continue
			}
			o := &Op{Properties: document(t, part.Data), Old: jsondoc.NewObject()}
			out := r.step(o, k, kind, k.Create)
			if !strings.Contains(out, "error: ") {
				continue
			}
			refused++
			if o.Physical != "" {
				t.Errorf("%s keeps %s, which it did not make:\n%s", kind, o.Physical, out)
			}
		}
	}
	if refused < 25 {
		t.Errorf("only %d creations were refused", refused)
	}
}
