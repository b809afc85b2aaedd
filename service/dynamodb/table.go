package dynamodb

import (
	"bytes"
	"sync"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// tableVersion is the version of tableRecord.
const tableVersion = 1

// tableRecord is what is stored of a table. It changes rarely; what changes with every item lies beside it.
type tableRecord struct {
	ID         uint64          `cbor:"1,keyasint"`
	UUID       string          `cbor:"2,keyasint"`
	Created    time.Time       `cbor:"3,keyasint"`
	Attributes []attributeType `cbor:"4,keyasint"`
	Hash       string          `cbor:"5,keyasint"`
	Sort       string          `cbor:"6,keyasint,omitempty"`

	Provisioned     bool      `cbor:"7,keyasint,omitempty"`
	Read            int64     `cbor:"8,keyasint,omitempty"` // provisioned units
	Write           int64     `cbor:"9,keyasint,omitempty"`
	Increased       time.Time `cbor:"10,keyasint,omitzero"`
	Decreased       time.Time `cbor:"11,keyasint,omitzero"`
	OnDemandSince   time.Time `cbor:"12,keyasint,omitzero"`
	MaxRead         int64     `cbor:"13,keyasint,omitempty"` // on-demand limits; 0: none
	MaxWrite        int64     `cbor:"14,keyasint,omitempty"`
	Protected       bool      `cbor:"15,keyasint,omitempty"`
	Class           string    `cbor:"16,keyasint,omitempty"`
	ClassChanged    time.Time `cbor:"17,keyasint,omitzero"`
	KMSKey          string    `cbor:"18,keyasint,omitempty"` // ARN; "": the key is AWS's
	WarmRead        int64     `cbor:"19,keyasint,omitempty"`
	WarmWrite       int64     `cbor:"20,keyasint,omitempty"`
	DecreasesToday  int64     `cbor:"21,keyasint,omitempty"`
	BillingReported bool      `cbor:"22,keyasint,omitempty"` // BillingModeSummary is shown
	HasPolicy       bool      `cbor:"23,keyasint,omitempty"` // there is a resource policy beside the record
}

type attributeType struct {
	Name string `cbor:"1,keyasint"`
	Type string `cbor:"2,keyasint"` // "S", "N", "B"
}

// table is a tableRecord made ready for use. It never changes.
type table struct {
	tableRecord
	name tableName
	raw  []byte // the stored record

	hash, sort keyAttribute // sort.name is "" when there is none
	data       store.Tuple
	items      store.Tuple
}

// keyAttribute is a key attribute of a table.
type keyAttribute struct {
	name string
	kind item.Kind
}

func newTable(n tableName, rec tableRecord, raw []byte) *table {
	data := dataOf(rec.ID)
	t := &table{tableRecord: rec, name: n, raw: raw, data: data, items: data.Uint(familyItems)}
	for _, a := range rec.Attributes {
		k := keyAttribute{a.Name, item.KindOf(a.Type)}
		switch a.Name {
		case rec.Hash:
			t.hash = k
		case rec.Sort:
			t.sort = k
		}
	}
	return t
}

// put stores the record of the table n.
func (rec *tableRecord) put(tx store.Tx, n tableName) {
	tx.Set(n.key(), record.Encode(tableVersion, rec))
}

// tableCache keeps tables by name. Each use compares the stored record with that of the cached table, so that a
// transaction sees the table that it would have decoded. The zero tableCache is empty.
type tableCache struct {
	mu     sync.RWMutex
	tables map[tableName]cachedTable
}

type cachedTable struct {
	key store.Key
	t   *table
}

// maxCachedTables bounds the cache; at the bound it starts anew.
const maxCachedTables = 10_000

// table returns the table n as r sees it, nil when there is none.
func (s *Service) table(r store.Reader, n tableName) (*table, error) {
	s.tables.mu.RLock()
	c, cached := s.tables.tables[n]
	s.tables.mu.RUnlock()
	if !cached {
		c.key = n.key()
	}
	raw, ok, err := r.Get(c.key)
	if err != nil || !ok {
		return nil, err
	}
	if cached && bytes.Equal(raw, c.t.raw) {
		return c.t, nil
	}
	var rec tableRecord
	if err := record.Decode(raw, tableVersion, &rec); err != nil {
		return nil, err
	}
	c.t = newTable(n, rec, bytes.Clone(raw))
	s.tables.mu.Lock()
	defer s.tables.mu.Unlock()
	if s.tables.tables == nil || len(s.tables.tables) >= maxCachedTables {
		s.tables.tables = make(map[tableName]cachedTable)
	}
	s.tables.tables[n] = c
	return c.t, nil
}

// mustTable is table for operations on items.
func (s *Service) mustTable(r store.Reader, n tableName) (*table, error) {
	t, err := s.table(r, n)
	if err == nil && t == nil {
		err = noTable()
	}
	return t, err
}

// mustTableNamed is table for operations on tables.
func (s *Service) mustTableNamed(r store.Reader, n tableName) (*table, error) {
	t, err := s.table(r, n)
	if err == nil && t == nil {
		err = noTableNamed(n.name)
	}
	return t, err
}

// counter reads one of the table's counters.
func (t *table) counter(r store.Reader, family uint64) (int64, error) {
	v, _, err := r.Get(t.data.Uint(family))
	return store.ReadCounter(v), err
}

// describe renders the table as DescribeTable does.
func (t *table) describe(r store.Reader, status api.TableStatus) (*api.TableDescription, error) {
	items, err := t.counter(r, familyCount)
	if err != nil {
		return nil, err
	}
	size, err := t.counter(r, familyBytes)
	if err != nil {
		return nil, err
	}
	d := &api.TableDescription{
		TableName: &t.name.name, TableStatus: status, CreationDateTime: &t.Created, TableArn: ptr(t.name.arn()), TableId: &t.UUID,
		KeySchema: []api.KeySchemaElement{{AttributeName: t.Hash, KeyType: api.KeyTypeHash}},
		ItemCount: &items, TableSizeBytes: &size, DeletionProtectionEnabled: &t.Protected,
		ProvisionedThroughput: &api.ProvisionedThroughputDescription{NumberOfDecreasesToday: &t.DecreasesToday,
			ReadCapacityUnits: &t.Read, WriteCapacityUnits: &t.Write,
			LastIncreaseDateTime: unlessZero(t.Increased), LastDecreaseDateTime: unlessZero(t.Decreased)},
		WarmThroughput: &api.TableWarmThroughputDescription{ReadUnitsPerSecond: ptr(t.warm(t.WarmRead, t.Read, onDemandWarmRead)),
			WriteUnitsPerSecond: ptr(t.warm(t.WarmWrite, t.Write, onDemandWarmWrite)), Status: api.TableStatusActive},
	}
	if t.Sort != "" {
		d.KeySchema = append(d.KeySchema, api.KeySchemaElement{AttributeName: t.Sort, KeyType: api.KeyTypeRange})
	}
	for _, a := range t.Attributes {
		d.AttributeDefinitions = append(d.AttributeDefinitions,
			api.AttributeDefinition{AttributeName: a.Name, AttributeType: api.ScalarAttributeType(a.Type)})
	}
	t.describeSettings(d)
	return d, nil
}

// What a table on demand can serve at once from the beginning.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
const (
	onDemandWarmRead  = 12_000
	onDemandWarmWrite = 4_000
)

// warm returns a warm throughput: what was asked for, but not less than what the table has anyway.
func (t *table) warm(asked, provisioned, onDemand int64) int64 {
	if t.Provisioned {
		return max(asked, provisioned)
	}
	return max(asked, onDemand)
}

// describeSettings adds what is there only when it was chosen.
func (t *table) describeSettings(d *api.TableDescription) {
	if t.BillingReported {
		d.BillingModeSummary = &api.BillingModeSummary{BillingMode: api.BillingModePayPerRequest,
			LastUpdateToPayPerRequestDateTime: unlessZero(t.OnDemandSince)}
		if t.Provisioned {
			d.BillingModeSummary.BillingMode = api.BillingModeProvisioned
		}
	}
	if t.Class != "" {
		d.TableClassSummary = &api.TableClassSummary{TableClass: api.TableClass(t.Class), LastUpdateDateTime: unlessZero(t.ClassChanged)}
	}
	if t.KMSKey != "" {
		d.SSEDescription = &api.SSEDescription{Status: api.SSEStatusEnabled, SSEType: api.SSETypeKms, KMSMasterKeyArn: &t.KMSKey}
	}
	if t.MaxRead != 0 || t.MaxWrite != 0 {
		unlimited := func(n int64) *int64 {
			if n == 0 {
				n = -1
			}
			return &n
		}
		d.OnDemandThroughput = &api.OnDemandThroughput{MaxReadRequestUnits: unlimited(t.MaxRead), MaxWriteRequestUnits: unlimited(t.MaxWrite)}
	}
}

func ptr[T any](v T) *T { return &v }

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// managedKey is the ARN of the key with which AWS encrypts tables of an account that asked for KMS without naming a
// key. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
func managedKey(n tableName) string {
	return aws.MakeARN("kms", n.region, n.account, "key/"+uuidOf("alias/aws/dynamodb", n.account, n.region)).String()
}
