package lint

import "strings"

// Which fields there are. The sets were measured with ValidateStateMachineDefinition by the authors of cdk-preflight
// (rule pf-sfn-asl-state-fields, 2026-09-05).
const (
	topFields    = "Comment QueryLanguage StartAt TimeoutSeconds Version States"
	branchFields = "Comment StartAt States"
	anywhere     = "Type Comment QueryLanguage"

	retrierFields = "Comment ErrorEquals IntervalSeconds MaxAttempts BackoffRate MaxDelaySeconds JitterStrategy"
	catcherFields = "Comment ErrorEquals Next ResultPath Assign Output"
	readerFields  = "Resource Parameters Arguments ReaderConfig"
	configFields  = "InputType Transformation ManifestType CSVHeaderLocation CSVHeaders CSVDelimiter MaxItems MaxItemsPath ItemsPointer"
	batcherFields = "MaxItemsPerBatch MaxItemsPerBatchPath MaxInputBytesPerBatch MaxInputBytesPerBatchPath BatchInput"
	writerFields  = "Resource Parameters Arguments WriterConfig"
)

// stateFields are the fields of a state beside those that all have.
func stateFields(kind string) string {
	switch kind {
	case "Pass":
		return "InputPath OutputPath Result ResultPath Parameters Output Assign Next End"
	case "Task":
		return "InputPath OutputPath ResultPath Parameters Arguments Output Assign Resource Credentials ResultSelector Retry Catch" +
			" TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds HeartbeatSecondsPath Next End"
	case "Wait":
		return "InputPath OutputPath Output Assign Seconds Timestamp SecondsPath TimestampPath Next End"
	case "Parallel":
		return "InputPath OutputPath ResultPath Parameters Arguments Output Assign ResultSelector Retry Catch Branches Next End"
	case "Map":
		return "InputPath OutputPath ResultPath Parameters Output Assign ResultSelector Retry Catch ItemProcessor Iterator ItemsPath Items" +
			" ItemSelector ItemReader ItemBatcher ResultWriter MaxConcurrency MaxConcurrencyPath ToleratedFailurePercentage" +
			" ToleratedFailurePercentagePath ToleratedFailureCount ToleratedFailureCountPath Label Next End"
	case "Choice":
		return "InputPath OutputPath Output Assign Choices Default"
	case "Succeed":
		return "InputPath OutputPath Output"
	case "Fail":
		return "Error Cause ErrorPath CausePath"
	}
	return ""
}

// Fields of only one query language, wherever they stand.
const (
	pathOnly = "InputPath OutputPath ResultPath Parameters ResultSelector Result ItemsPath TimeoutSecondsPath HeartbeatSecondsPath" +
		" SecondsPath TimestampPath MaxConcurrencyPath ToleratedFailurePercentagePath ToleratedFailureCountPath ErrorPath CausePath" +
		" MaxItemsPath MaxItemsPerBatchPath MaxInputBytesPerBatchPath Variable And Or Not"
	jsonataOnly = "Arguments Output Items Condition"
)

// has reports whether a name is in a list of names parted by spaces.
func has(list, name string) bool {
	for s := range strings.FieldsSeq(list) {
		if s == name {
			return true
		}
	}
	return false
}

// known complains about the fields of an object that are not in the list, and about those of the other query language.
func (n node) known(list string) {
	for key := range n.Object.All() {
		switch {
		case !has(list, key):
			n.Wrong("Field '%s' is not supported", key)
		case n.JSONata && has(pathOnly, key):
			n.wrongLanguage(key, "JSONata", "JSONPath")
		case !n.JSONata && has(jsonataOnly, key):
			n.wrongLanguage(key, "JSONPath", "JSONata")
		}
	}
}

func (n node) wrongLanguage(key, set, needed string) {
	n.Wrong("The QueryLanguage is set to '%s', but field '%s' is only supported for the '%s' QueryLanguage", set, key, needed)
}
