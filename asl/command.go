package asl

import "time"

// Do says what a driver has to do for a thread.
type Do uint8

// The commands. The comment names the member of Command that counts.
const (
	// Stay: nothing new; go on waiting for what the thread waits for. Timers and tokens stay.
	Stay Do = iota
	// Yield: commit, then Step with Resumed: the thread has done as much as fits into one step.
	Yield
	// Sleep: Step with Woken at Until.
	Sleep
	// CallTask: make the request. Call.
	CallTask
	// ForkThreads: run the children, at most MaxConcurrency at once, and Step with Joined or ChildFailed. Fork.
	ForkThreads
	// RunMap: run a distributed map, and Step with Joined or Faulted. MapRun.
	RunMap
	// Rejoin: a redriven Parallel or inline Map state goes on with the children that it has: Redriven to every child that is
	// Broken or Stopped, Begun to those that never ran; then as ForkThreads, at once when all are Done.
	Rejoin
	// End: the thread is Done. Its Output is the result.
	End
	// Fail: the thread is Broken, its Error says why; or Stopped.
	Fail
)

// Command is the one thing that a driver has to do after a Step.
type Command struct {
	Do     Do
	Until  time.Time
	Call   *Call
	Fork   *Fork
	MapRun *MapRun
}

// Call is the request of a Task state.
type Call struct {
	State string
	// Resource is what to call; its Pattern says whether to wait for the answer, a job or a token.
	Resource *Resource
	// Arguments is the effective input as JSON text: Parameters, Arguments, or the state's input.
	Arguments []byte
	// RoleARN is Credentials' RoleArn, empty when the machine's own role makes the call.
	RoleARN string
	// Timeout and Heartbeat are seconds; 0 means none. The first counts from the scheduling of the task (of each attempt),
	// the second from the start and each heartbeat.
	Timeout, Heartbeat int64
	// Token is the task token, of activities and .waitForTaskToken tasks; otherwise empty. It came from
	// Setting.NewToken.
	Token string
}

// Fork is the start of the children of a Parallel or inline Map state. Make child i with Machine.Child.
type Fork struct {
	State string
	// Count is how many children there are.
	Count int
	// MaxConcurrency is how many may run at once; 0 means all (AWS runs at most 40 of an inline Map at once).
	MaxConcurrency int
	// Input is the input of every branch of a Parallel state.
	Input []byte
	// Items are the items of a Map state, and Keys their names if they came from an object.
	Items [][]byte
	Keys  []string
}

// MapRun is the start of a distributed Map state.
type MapRun struct {
	State string
	// ARN is from Setting.NewMapRun.
	ARN, Label string
	// Redriven says that the run with this ARN has failed or was stopped, and goes on with what did not succeed.
	Redriven bool
	// Block is the number of the item processor's States: a child execution starts with Machine.Start(Block).
	Block int
	// Express says that the child executions are express ones.
	Express bool
	// MaxConcurrency is how many child executions may run at once; 0 means as many as the service allows (10,000).
	MaxConcurrency int
	// ToleratedCount and ToleratedPercentage are how many items may fail, -1 where the definition does not say. See Exceeded.
	ToleratedCount      int64
	ToleratedPercentage float64
	// Items are the items when there is no Reader, a JSON array, or object; Count is how many they are, 0 with a Reader.
	Items  []byte
	Count  int64
	Reader *Reader
	// Batcher is nil when each item has a child execution of its own.
	Batcher *Batcher
	Writer  *Writer
	// Selects says that there is an ItemSelector: apply Machine.Selector to each item before it is batched.
	Selects bool
}

// Exceeded reports whether more items have failed than the definition tolerates, of total in all: then the run fails with
// States.ExceedToleratedFailureThreshold. Without thresholds none may fail; of two either counts.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html#maprun-fail-threshold
func (m *MapRun) Exceeded(failed, total int64) bool {
	if m.ToleratedCount < 0 && m.ToleratedPercentage < 0 {
		return failed > 0
	}
	return m.ToleratedCount >= 0 && failed > m.ToleratedCount ||
		m.ToleratedPercentage >= 0 && float64(failed)*100 > m.ToleratedPercentage*float64(total)
}

// Reader is an evaluated ItemReader.
type Reader struct {
	// Resource is "arn:aws:states:::s3:getObject" or "arn:aws:states:::s3:listObjectsV2".
	Resource string
	// Arguments is the evaluated Parameters or Arguments: {"Bucket":…,"Key":…}.
	Arguments []byte
	// Config is the evaluated ReaderConfig with InputType, CSVHeaderLocation, CSVHeaders, CSVDelimiter, MaxItems, ManifestType,
	// Transformation, ItemsPointer …; MaxItemsPath has been replaced by MaxItems. Empty when there is none.
	Config []byte
}

// Batcher is an evaluated ItemBatcher.
type Batcher struct {
	// MaxItems and MaxBytes bound a batch; 0 means no bound of that kind (but a child's input is at most MaxData).
	MaxItems, MaxBytes int64
	// Input is the evaluated BatchInput, empty when there is none.
	Input []byte
}

// Writer is an evaluated ResultWriter.
type Writer struct {
	// Resource is "arn:aws:states:::s3:putObject", or empty: then the results are not exported but formatted as Config says.
	Resource string
	// Arguments is the evaluated Parameters or Arguments: {"Bucket":…,"Prefix":…}.
	Arguments []byte
	// Transformation and OutputType are of WriterConfig; empty means AWS's default ("NONE" with a Resource, "COMPACT"
	// without; "JSON").
	Transformation, OutputType string
}
