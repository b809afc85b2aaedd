// Package aws holds the words that every room of Brume shares: ARNs, identities, operations, errors and the
// Caller through which one service calls another. It imports nothing of ours and contains no behaviour beyond
// parsing and formatting, so that any package may depend on it without taking anything else along.
package aws
