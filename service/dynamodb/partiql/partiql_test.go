package partiql

import (
	"fmt"
	"testing"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
)

func text(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func show(e Expressions) string {
	return fmt.Sprintf("%s | %s | %s | %v %s", text(e.Condition), text(e.Update), text(e.Projection), e.Names, e.Values.AppendJSON(nil))
}

func TestKey(t *testing.T) {
	for _, c := range []struct {
		src, want string
		params    []item.Value
	}{
		{src: `UPDATE "Music" SET Awards=1, "Info"."x y"[2] = list_append(Info, ['a']) REMOVE b SET s = set_add(s, <<'x','y'>>) WHERE pk='a' AND sk=-2 AND (n > 1 OR m IS MISSING) RETURNING ALL OLD *`,
			want: `{"pk":{"S":"a"},"sk":{"N":"-2"}} ALL_OLD #n0 > :v0 OR attribute_not_exists(#n1) | SET #n2 = :v1, #n3.#n4[2] = list_append(#n3, :v2) REMOVE #n5 ADD #n6 :v3 | - | map[#n0:n #n1:m #n2:Awards #n3:Info #n4:x y #n5:b #n6:s] {":v0":{"N":"1"},":v1":{"N":"1"},":v2":{"L":[{"S":"a"}]},":v3":{"SS":["x","y"]}}`},
		{src: `delete from t where ? = sk and pk = ? and NOT begins_with("a", 'it''s') and b IN [1, true] and c BETWEEN 1 AND 2.5e1 and d IS NOT NULL`,
			params: []item.Value{item.Int(7), item.String("p")},
			want:   `{"pk":{"S":"p"},"sk":{"N":"7"}}  NOT begins_with(#n0, :v0) AND #n1 IN (:v1, :v2) AND #n2 BETWEEN :v3 AND :v4 AND NOT attribute_type(#n3, :v5) | - | - | map[#n0:a #n1:b #n2:c #n3:d] {":v0":{"S":"it's"},":v1":{"N":"1"},":v2":{"BOOL":true},":v3":{"N":"1"},":v4":{"N":"25"},":v5":{"S":"NULL"}}`},
		{src: `EXISTS(SELECT * FROM "t-1" WHERE pk = 'a' AND sk = 1 AND size(x) >= 3)`,
			want: `{"pk":{"S":"a"},"sk":{"N":"1"}}  size(#n0) >= :v0 | - | - | map[#n0:x] {":v0":{"N":"3"}}`},
		{src: `SELECT a, b.c FROM t WHERE pk = 'a'`, want: string(noKey)},
		{src: `UPDATE t SET a = ? WHERE pk = 'a' AND sk = 1`, want: "Number of parameters in request and statement don't match."},
		{src: `UPDATE t WHERE pk = 'a'`, want: `Statement wasn't well formed, can't be processed: Expected data manipulation`},
		{src: `SELECT * FROM t WHERE pk = 'a' AND`, want: `Statement wasn't well formed, can't be processed: Unexpected end of statement, expected a name`},
		{src: `DROP TABLE t`, want: `Statement wasn't well formed, can't be processed: Expected data manipulation`},
	} {
		st, err := Parse(c.src, c.params)
		got := ""
		if err == nil {
			var key item.Map
			var e Expressions
			if key, e, err = st.Key("pk", "sk"); err == nil {
				got = fmt.Sprintf("%s %s %s", key.AppendJSON(nil), st.Returning, show(e))
			}
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

func TestQuery(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`SELECT * FROM t.i WHERE pk = 'a' AND sk > 3 AND sk < 9 ORDER BY sk DESC`, `1 [{sk > 1}] true #n0 < :v0 | - | - | map[#n0:sk] {":v0":{"N":"9"}}`},
		{`SELECT a FROM t WHERE pk IN ['b','a'] ORDER BY pk`, `2 [] false - | - | #n0 | map[#n0:a] {}`},
		{`SELECT * FROM t WHERE x = 1 OR pk = 'a'`, `0 [] false #n0 = :v0 OR #n1 = :v1 | - | - | map[#n0:x #n1:pk] {":v0":{"N":"1"},":v1":{"S":"a"}}`},
		{`SELECT * FROM t ORDER BY sk`, `Must have WHERE clause in the statement when using ORDER BY clause.`},
		{`SELECT * FROM t WHERE pk = 'a' ORDER BY x`, `Variable reference x in ORDER BY clause must be part of the primary key`},
	} {
		st, err := Parse(c.src, nil)
		got := ""
		if err == nil {
			var q Query
			if q, err = st.Query([]string{"pk"}, []string{"sk"}); err == nil {
				var sort []string
				for _, s := range q.Sort {
					sort = append(sort, fmt.Sprintf("{%s %s %d}", s.Attribute, s.Op, len(s.Values)))
				}
				got = fmt.Sprintf("%d %v %t %s", len(q.Hash), sort, q.Desc, show(q.Expressions))
			}
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

// Whatever is written, the parser ends, and what it takes makes expressions that DynamoDB's own parser takes.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`SELECT a.b[1] FROM "t"."i" WHERE pk = 'a' AND (b <> 1 OR NOT c IS MISSING)`, `INSERT INTO t VALUE {'a': [1, <<'x'>>, {'b': null}]}`,
		`UPDATE t SET a = a + 1 REMOVE b WHERE pk = 1 RETURNING MODIFIED NEW *`, `DELETE FROM t WHERE contains(a, 'x') AND pk='1'`, `EXISTS(SELECT * FROM t WHERE a BETWEEN 1 AND 2)`, `((((`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		st, err := Parse(s, nil)
		if err != nil {
			return
		}
		st.Attributes()
		st.Leading("pk")
		if q, err := st.Query([]string{"pk"}, []string{"sk"}); err == nil && q.Condition != nil && len(*q.Condition) < expression.MaxBytes {
			r := expression.Request{Names: q.Names, Values: q.Values}
			_, _ = r.Condition(expression.FilterKind, *q.Condition)
		}
		_, _, _ = st.Key("pk")
	})
}
