// Package environ is the environment variables that users give functions.
package environ

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/service/lambda/fault"
)

// maxBytes is the size of all variables of a function together.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxBytes = 4096

// Reserved are variables that cannot be set: Lambda sets them. Those that begin with the prefixes below belong to it too.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func Reserved() []string {
	return []string{"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
		"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_MAX_CONCURRENCY"}
}

// Check refuses variables that are reserved, and too much of others.
func Check(env *lambdaapi.Environment) error {
	if env == nil {
		return nil
	}
	var taken []string
	size := 0
	for _, name := range slices.Sorted(maps.Keys(env.Variables)) {
		if slices.Contains(Reserved(), name) {
			taken = append(taken, name)
		}
		size += len(name) + len(env.Variables[name])
	}
	if len(taken) > 0 {
		return fault.Invalid("Lambda was unable to configure your environment variables because the environment variables you have provided "+
			"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s",
			strings.Join(taken, ", "))
	}
	if size > maxBytes {
		text, _ := json.Marshal(env.Variables) // strings: cannot fail
		return fault.Invalid("Lambda was unable to configure your environment variables because the environment variables you have provided "+
			"exceeded the 4KB limit. String measured: %s", text)
	}
	return nil
}
