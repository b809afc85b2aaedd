package jsonata

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"github.com/brume-dev/brume/jsondoc"
)

// caseOf is a case of the official suite (https://github.com/jsonata-js/jsonata, test/test-suite).
type caseOf struct {
	Expr     *string         `json:"expr"`
	ExprFile string          `json:"expr-file"`
	Data     json.RawMessage `json:"data"`
	Dataset  *string         `json:"dataset"`
	Bindings json.RawMessage `json:"bindings"`
	Result   json.RawMessage `json:"result"`
	Undef    bool            `json:"undefinedResult"`
	Code     string          `json:"code"`
	Error    *struct {
		Code string `json:"code"`
	} `json:"error"`
	Unordered bool `json:"unordered"`
}

// TestSuite runs the cases below JSONATA_SUITE, the folder that holds groups and datasets, or the selection that comes with us:
//
//	JSONATA_SUITE=…/test/test-suite go test ./asl/jsonata -run Suite -v
func TestSuite(t *testing.T) {
	root, all := os.Getenv("JSONATA_SUITE"), true
	if root == "" {
		root, all = "testdata/suite", false
	}
	p, err := newPool(bounds{depth: 2000, bytes: 1 << 30, live: 1 << 20}) // the suite's own bounds are others than AWS's
	if err != nil {
		t.Fatal(err)
	}
	passed, failed := 0, 0
	err = filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".json") || strings.Contains(name, "/datasets/") {
			return err
		}
		for _, c := range readCases(t, name) {
			if why := c.run(t, p, root, filepath.Dir(name)); why == "" {
				passed++
			} else if failed++; all {
				t.Logf("%s: %s", strings.TrimPrefix(name, root), why)
			} else {
				t.Errorf("%s: %s", name, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d cases", passed, passed+failed)
	if total := passed + failed; total == 0 || passed*100 < total*98 {
		t.Errorf("%d of %d cases", passed, total)
	}
}

func readCases(t *testing.T, name string) []caseOf {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var many []caseOf
	if err := json.Unmarshal(b, &many); err == nil {
		return many
	}
	var one caseOf
	if err := json.Unmarshal(b, &one); err != nil {
		t.Fatal(name, err)
	}
	return []caseOf{one}
}

func (c *caseOf) run(t *testing.T, p *pool, root, dir string) (why string) {
	text := ""
	if c.Expr != nil {
		text = *c.Expr
	} else if b, err := os.ReadFile(filepath.Join(dir, c.ExprFile)); err == nil {
		text = string(b)
	}
	data := c.Data
	if c.Dataset != nil {
		data, _ = os.ReadFile(filepath.Join(root, "datasets", *c.Dataset+".json"))
	}
	vars := map[string]any{}
	if o, ok := parsed(c.Bindings).(*jsondoc.Object); ok {
		for k, v := range o.All() {
			vars[k] = v
		}
	}
	var v any
	var defined bool
	err := p.with(t.Context(), func(e *engine) (err error) {
		input := goja.Undefined()
		if len(data) > 0 {
			input = e.value(parsed(data))
		}
		v, defined, err = e.evalWith(t.Context(), text, input, vars, env)
		return err
	})
	return c.judge(text, v, defined, err)
}

func (c *caseOf) judge(text string, v any, defined bool, err error) string {
	code := c.Code
	if c.Error != nil {
		code = c.Error.Code
	}
	got := ""
	switch err := err.(type) {
	case nil:
	case *EvalError:
		got = err.Code
	case *SyntaxError:
		got = err.Code
	default:
		return text + ": " + err.Error()
	}
	switch {
	case code != "" || c.Error != nil:
		if err == nil || got != code {
			return text + ": " + got + " instead of " + code
		}
	case err != nil:
		return text + ": " + err.Error()
	case c.Undef:
		if defined {
			return text + ": defined"
		}
	case !defined || !c.same(v):
		return text + ": " + jsondoc.Text(v) + " instead of " + string(c.Result)
	}
	return ""
}

func (c *caseOf) same(v any) bool {
	want := parsed(c.Result)
	if jsondoc.Equal(v, want) {
		return true
	}
	a, ok1 := v.(*jsondoc.Array)
	b, ok2 := want.(*jsondoc.Array)
	if !c.Unordered || !ok1 || !ok2 || len(a.Items) != len(b.Items) {
		return false
	}
	for _, x := range a.Items {
		found := false
		for _, y := range b.Items {
			found = found || jsondoc.Equal(x, y)
		}
		if !found {
			return false
		}
	}
	return true
}

func parsed(b []byte) any {
	v, err := jsondoc.Parse(b)
	if err != nil {
		return nil
	}
	return v
}
