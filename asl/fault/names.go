package fault

// Names that the language reserves. States.ALL and States.TaskFailed are also wildcards of ErrorEquals; States.Runtime and
// States.DataLimitExceeded are terminal: neither wildcard matches them.
const (
	All                             = "States.ALL"
	BranchFailed                    = "States.BranchFailed"
	DataLimitExceeded               = "States.DataLimitExceeded"
	ExceedToleratedFailureThreshold = "States.ExceedToleratedFailureThreshold"
	HeartbeatTimeout                = "States.HeartbeatTimeout"
	HTTPSocket                      = "States.Http.Socket"
	IntrinsicFailure                = "States.IntrinsicFailure"
	ItemReaderFailed                = "States.ItemReaderFailed"
	NoChoiceMatched                 = "States.NoChoiceMatched"
	ParameterPathFailure            = "States.ParameterPathFailure"
	Permissions                     = "States.Permissions"
	QueryEvaluationError            = "States.QueryEvaluationError"
	ResultPathMatchFailure          = "States.ResultPathMatchFailure"
	ResultWriterFailed              = "States.ResultWriterFailed"
	Runtime                         = "States.Runtime"
	TaskFailed                      = "States.TaskFailed"
	Timeout                         = "States.Timeout"
)

// Reserved is how names that belong to the language begin: a Fail state or a task's own error should not use it.
const Reserved = "States."
