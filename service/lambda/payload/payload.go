// Package payload checks what functions are invoked with.
package payload

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/service/lambda/fault"
)

// maxClientContext is the size of a client context in base64.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax
const maxClientContext = 3583

// Check refuses a payload that is no JSON; an empty one is none.
func Check(b []byte) error {
	if len(b) == 0 || json.Valid(b) {
		return nil
	}
	return &lambdaapi.InvalidRequestContentException{Type: fault.User(),
		Message: "Could not parse request body into json: Could not parse payload into json: " + jsonProblem(b)}
}

// jsonProblem says what is wrong with a payload, as Lambda's parser does.
func jsonProblem(b []byte) string {
	err := json.Unmarshal(b, new(any))
	at := func(offset int64) string {
		before := string(b[:max(0, min(offset, int64(len(b))))])
		return fmt.Sprintf("\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]",
			strings.Count(before, "\n")+1, len(before)-strings.LastIndexByte(before, '\n'))
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset >= int64(len(b)) && strings.Contains(syntax.Error(), "unexpected end") {
		return "Unexpected end-of-input" + at(int64(len(b)))
	}
	i := int(max(0, syntax.Offset-1))
	if word, end := wordAt(b, i); word != "" {
		return fmt.Sprintf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", word) +
			at(int64(end))
	}
	return fmt.Sprintf("Unexpected character ('%c' (code %d))", b[i], b[i]) + at(syntax.Offset)
}

// wordAt returns the word around the byte at i, and where it ends.
func wordAt(b []byte, i int) (string, int) {
	letter := func(i int) bool { return i >= 0 && i < len(b) && (b[i]|0x20 >= 'a' && b[i]|0x20 <= 'z') }
	if !letter(i) {
		return "", i
	}
	begin, end := i, i
	for letter(begin - 1) {
		begin--
	}
	for letter(end) {
		end++
	}
	return string(b[begin:end]), end
}

// ClientContext decodes the X-Amz-Client-Context header.
func ClientContext(text string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !json.Valid(b) || len(text) > maxClientContext {
		return "", &lambdaapi.InvalidRequestContentException{Type: fault.User(), Message: "Client context must be a valid Base64-encoded JSON object."}
	}
	return string(b), nil
}
