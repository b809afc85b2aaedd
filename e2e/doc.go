// Package e2e holds only tests: the real binary, driven by real clients. brume_test.go builds and starts it; what other
// tests put into testdata/boto3 and testdata/cli is run against it.
package e2e
