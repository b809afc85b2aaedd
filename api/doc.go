// Package api holds nothing but a test of the packages below it: one generated package per AWS API, and gen, which makes
// them from AWS's models. Edit ops.txt or an overlay and run make generate; never edit what is generated.
package api
