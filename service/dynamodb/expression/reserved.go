package expression

import (
	_ "embed"
	"strings"
)

// reservedText lists the words that may stand in an expression only behind a placeholder, one a line.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
//
//go:embed reserved.txt
var reservedText string

var reserved = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(reservedText) {
		words[word] = true
	}
	return words
}()

// isReserved reports whether name is a reserved word, in any case.
func isReserved(name string) bool { return reserved[strings.ToUpper(name)] }
