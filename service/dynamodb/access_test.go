package dynamodb

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
)

const arnPrefix = "arn:aws:dynamodb:us-east-1:000000000000:table/"

// What policies are asked about each request: action, resource, condition keys, resource policy.
func TestAccess(t *testing.T) {
	w := newWorld(t, memory)
	w.must("CreateTable", tableInput("tab", "pk", "sk"))
	w.must("CreateTable", tableInput("other", "id", ""))
	w.must("PutResourcePolicy", `{"ResourceArn":"`+arnPrefix+`other","Policy":"{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"dynamodb:*\",\"Resource\":\"*\"}}"}`)
	key := `"Key":{"pk":{"S":"a"},"sk":{"N":"1"}}`
	tab := arnPrefix + "tab"
	for _, c := range []struct{ op, in, want string }{
		{"ListTables", `{}`, "dynamodb:ListTables * map[]"},
		{"CreateTable", `{"TableName":"new"}`, "dynamodb:CreateTable " + arnPrefix + "new map[]"},
		{"DescribeTable", `{"TableName":"bad name/*"}`, "dynamodb:DescribeTable " + arnPrefix + "* map[]"},
		{"TagResource", `{"ResourceArn":"` + tab + `"}`, "dynamodb:TagResource " + tab + " map[]"},
		{"GetItem", `{"TableName":"` + tab + `",` + key + `,"ProjectionExpression":"#x, y.z","ExpressionAttributeNames":{"#x":"name"}}`,
			"dynamodb:GetItem " + tab + " map[dynamodb:Attributes:[name pk sk y] dynamodb:LeadingKeys:[a] dynamodb:Select:[SPECIFIC_ATTRIBUTES]]"},
		{"GetItem", `{"TableName":"tab",` + key + `}`,
			"dynamodb:GetItem " + tab + " map[dynamodb:Attributes:[pk sk] dynamodb:LeadingKeys:[a] dynamodb:Select:[ALL_ATTRIBUTES]]"},
		{"PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"x":{"S":"b"}},"ConditionExpression":"attribute_not_exists(y) AND size(q) > :n"}`,
			"dynamodb:PutItem " + tab + " map[dynamodb:Attributes:[pk q x y] dynamodb:LeadingKeys:[a]]"},
		{"UpdateItem", `{"TableName":"tab",` + key + `,"UpdateExpression":"SET u = if_not_exists(v, :v) REMOVE r","ReturnValues":"ALL_NEW"}`,
			"dynamodb:UpdateItem " + tab + " map[dynamodb:Attributes:[pk r sk u v] dynamodb:LeadingKeys:[a] dynamodb:ReturnValues:[ALL_NEW]]"},
		{"UpdateItem", `{"TableName":"tab",` + key + `,"AttributeUpdates":{"u":{}},"Expected":{"e":{}}}`,
			"dynamodb:UpdateItem " + tab + " map[dynamodb:Attributes:[e pk sk u] dynamodb:LeadingKeys:[a]]"},
		{"DeleteItem", `{"TableName":"tab",` + key + `,"ReturnConsumedCapacity":"TOTAL"}`,
			"dynamodb:DeleteItem " + tab + " map[dynamodb:Attributes:[pk sk] dynamodb:LeadingKeys:[a] dynamodb:ReturnConsumedCapacity:[TOTAL]]"},
		{"Query", `{"TableName":"tab","KeyConditionExpression":"pk = :p AND sk > :n","FilterExpression":"f = :p","ExpressionAttributeValues":{":p":{"S":"q"},":n":{"N":"1"}}}`,
			"dynamodb:Query " + tab + " map[dynamodb:Attributes:[f pk sk] dynamodb:LeadingKeys:[q] dynamodb:Select:[ALL_ATTRIBUTES]]"},
		{"Query", `{"TableName":"tab","IndexName":"idx","KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"q"}]}},"Select":"COUNT"}`,
			"dynamodb:Query " + tab + "/index/idx map[dynamodb:Attributes:[pk] dynamodb:LeadingKeys:[q] dynamodb:Select:[COUNT]]"},
		{"Scan", `{"TableName":"tab","IndexName":"idx"}`,
			"dynamodb:Scan " + tab + "/index/idx map[dynamodb:Select:[ALL_PROJECTED_ATTRIBUTES]]"},
		{"Query", `{"TableName":"tab","IndexName":"idx","Select":"ALL_ATTRIBUTES"}`,
			"dynamodb:Query " + tab + "/index/idx map[dynamodb:Select:[ALL_ATTRIBUTES]]"},
		{"Scan", `{"TableName":"tab","AttributesToGet":["b","a"]}`,
			"dynamodb:Scan " + tab + " map[dynamodb:Attributes:[a b] dynamodb:Select:[SPECIFIC_ATTRIBUTES]]"},
		{"BatchGetItem", `{"RequestItems":{"tab":{"Keys":[{"pk":{"S":"a"}},{"pk":{"S":"b"}}]},"other":{"Keys":[{"id":{"S":"c"}}]}}}`,
			"dynamodb:BatchGetItem " + arnPrefix + `other map[dynamodb:Attributes:[id] dynamodb:LeadingKeys:[c] dynamodb:Select:[ALL_ATTRIBUTES]] {"Statement":{"Effect":"Allow","Principal":"*","Action":"dynamodb:*","Resource":"*"}}; ` +
				"dynamodb:BatchGetItem " + tab + " map[dynamodb:Attributes:[pk] dynamodb:LeadingKeys:[a b] dynamodb:Select:[ALL_ATTRIBUTES]]"},
		{"BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":"a"},"x":{"S":"x"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"b"}}}}]}}`,
			"dynamodb:BatchWriteItem " + tab + " map[dynamodb:Attributes:[pk x] dynamodb:LeadingKeys:[a b]]"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"tab","Item":{"pk":{"S":"a"}}}},{"ConditionCheck":{"TableName":"other","Key":{"id":{"S":"b"}},"ConditionExpression":"x = :x"}}]}`,
			"dynamodb:PutItem " + tab + " map[dynamodb:Attributes:[pk] dynamodb:EnclosingOperation:[TransactWriteItems] dynamodb:LeadingKeys:[a]]; " +
				"dynamodb:ConditionCheckItem " + arnPrefix + `other map[dynamodb:Attributes:[id x] dynamodb:EnclosingOperation:[TransactWriteItems] dynamodb:LeadingKeys:[b]] {"Statement":{"Effect":"Allow","Principal":"*","Action":"dynamodb:*","Resource":"*"}}`},
		{"TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"tab","Key":{"pk":{"S":"a"}}}}]}`,
			"dynamodb:GetItem " + tab + " map[dynamodb:Attributes:[pk] dynamodb:EnclosingOperation:[TransactGetItems] dynamodb:LeadingKeys:[a] dynamodb:Select:[ALL_ATTRIBUTES]]"},
		{"ExecuteStatement", `{"Statement":"SELECT a FROM tab WHERE pk = ? AND b > 1","Parameters":[{"S":"q"}]}`,
			"dynamodb:PartiQLSelect " + tab + " map[dynamodb:Attributes:[a b pk] dynamodb:FullTableScan:[false] dynamodb:LeadingKeys:[q] dynamodb:Select:[SPECIFIC_ATTRIBUTES]]"},
		{"ExecuteStatement", `{"Statement":"SELECT * FROM tab.idx"}`, "dynamodb:PartiQLSelect " + tab + "/index/idx map[dynamodb:FullTableScan:[true] dynamodb:Select:[ALL_ATTRIBUTES]]"},
		{"ExecuteStatement", `{"Statement":"SELECT a FROM tab WHERE pk = 'q' OR 'r' = pk"}`,
			"dynamodb:PartiQLSelect " + tab + " map[dynamodb:Attributes:[a pk] dynamodb:FullTableScan:[false] dynamodb:LeadingKeys:[q r] dynamodb:Select:[SPECIFIC_ATTRIBUTES]]"},
		{"ExecuteStatement", `{"Statement":"SELECT a FROM tab WHERE pk = 'q' OR a = 'r'"}`,
			"dynamodb:PartiQLSelect " + tab + " map[dynamodb:Attributes:[a pk] dynamodb:FullTableScan:[true] dynamodb:Select:[SPECIFIC_ATTRIBUTES]]"},
		{"BatchExecuteStatement", `{"Statements":[{"Statement":"DELETE FROM tab WHERE pk='a' AND sk=1"}]}`,
			"dynamodb:PartiQLDelete " + tab + " map[dynamodb:Attributes:[pk sk] dynamodb:LeadingKeys:[a]]"},
		{"ExecuteTransaction", `{"TransactStatements":[{"Statement":"INSERT INTO tab VALUE {'pk':'a','sk':1}"}]}`,
			"dynamodb:PartiQLInsert " + tab + " map[dynamodb:Attributes:[pk sk] dynamodb:EnclosingOperation:[ExecuteTransaction] dynamodb:LeadingKeys:[a]]"},
		{"UpdateTimeToLive", `{"TableName":"tab"}`, "dynamodb:UpdateTimeToLive " + tab + " map[]"},
		{"PutItem", `{"TableName":"nowhere","Item":{"pk":{"S":"a"}}}`, "dynamodb:PutItem " + arnPrefix + "nowhere map[dynamodb:Attributes:[pk]]"},
	} {
		in := api.Service.Lookup(c.op).NewInput()
		if _, err := shape.DecodeJSON([]byte(c.in), in); err != nil {
			t.Fatal(err)
		}
		id := w.id
		id.Kind = aws.User
		access, err := w.s.Access(context.Background(), id, c.op, in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range access {
			context := a.Context
			if a.Late != nil {
				context = a.Late()
			}
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %v %s", a.Action, a.Resource, context, a.ResourcePolicy)))
		}
		if got := strings.Join(got, "; "); got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.op, c.in, got, c.want)
		}
	}
}

// TestStanding: a change of a table or its policy is in force for the first request after its answer, while others ask all
// the time.
func TestStanding(t *testing.T) {
	w := newWorld(t, memory)
	const get = `{"TableName":"tab","Key":{"%s":{"S":"a"}}}`
	policy := func() string {
		access, err := w.s.Access(context.Background(), w.id, "GetItem", &api.GetItemInput{TableName: "tab"})
		if err != nil || len(access) != 1 {
			t.Fatal(access, err)
		}
		return access[0].ResourcePolicy
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					policy()
				}
			}
		})
	}
	defer wg.Wait()
	defer close(stop)
	for i := range 50 {
		hash := fmt.Sprintf("h%d", i)
		w.must("CreateTable", tableInput("tab", hash, ""))
		w.must("GetItem", fmt.Sprintf(get, hash))
		if p := policy(); p != "" {
			t.Fatalf("round %d: a new table has the policy %s", i, p)
		}
		for _, want := range []string{`{"Statement":{"Effect":"Allow","Principal":"*","Action":"dynamodb:*","Resource":"*"}}`, `{"Statement": {"Effect":"Allow","Principal":"*","Action":"dynamodb:*","Resource":"*"}}`} {
			w.must("PutResourcePolicy", fmt.Sprintf(`{"ResourceArn":"%stab","Policy":%q}`, arnPrefix, want))
			if p := policy(); p != want {
				t.Fatalf("round %d: policy %q, want %q", i, p, want)
			}
		}
		w.must("DeleteResourcePolicy", `{"ResourceArn":"`+arnPrefix+`tab"}`)
		if p := policy(); p != "" {
			t.Fatalf("round %d: the policy %s has been deleted", i, p)
		}
		w.must("DeleteTable", `{"TableName":"tab"}`)
		if _, err := w.call("GetItem", fmt.Sprintf(get, hash)); aws.CodeOf(err) != "ResourceNotFoundException" {
			t.Fatalf("round %d: GetItem after DeleteTable: %v", i, err)
		}
	}
}

// only allows everything on one resource.
type only string

func (o only) Authorize(_ context.Context, _ aws.Identity, access []aws.Access) error {
	for _, a := range access {
		if a.Resource != string(o) {
			return aws.Errorf("AccessDeniedException", http.StatusBadRequest, "%s on %s", a.Action, a.Resource)
		}
	}
	return nil
}

// TestBatchPermissions: a statement of a batch that the caller may not run fails by itself.
func TestBatchPermissions(t *testing.T) {
	w := newWorld(t, memory)
	w.must("CreateTable", tableInput("tab", "pk", ""))
	w.must("CreateTable", tableInput("other", "pk", ""))
	w.s.policies = only(arnPrefix + "tab")
	const insert = `{"Statement":"INSERT INTO %s VALUE {'pk':'a'}"}`
	got := w.must("BatchExecuteStatement", `{"Statements":[`+fmt.Sprintf(insert, "other")+`,`+fmt.Sprintf(insert, "tab")+`,{"Statement":"JUNK"}]}`)
	want := `{"Responses":[{"Error":{"Code":"AccessDenied","Message":"dynamodb:PartiQLInsert on ` + arnPrefix + `other"},"TableName":"other"},{"TableName":"tab"},` +
		`{"Error":{"Code":"ValidationError","Message":"Statement wasn't well formed, can't be processed: Expected data manipulation"}}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for table, want := range map[string]string{"tab": `"Count":1`, "other": `"Count":0`} {
		if got := w.must("Scan", `{"TableName":"`+table+`"}`); !strings.Contains(got, want) {
			t.Errorf("%s: %s", table, got)
		}
	}
}
