package jsonata

import "time"

// What AWS bounds, as far as it shows: evaluation depth and memory have been measured from outside (an expression of 100 nested
// operators is evaluated, one of 102 is not; a range of 873,782 numbers is, one more is not). Neither is documented.
const (
	// maxDepth is how deep evaluations may nest.
	maxDepth = 100
	// maxBytes is how large one value may grow, at 8 bytes a number or member and 1 a character.
	maxBytes = 873_782 * 8
)

// Our own bounds.
const (
	// maxTime is how long one evaluation may take. Only what does not end comes near it.
	maxTime = 20 * time.Second
	// maxLive is how many evaluations may be going on inside one expression, those side by side included.
	maxLive = 20_000
	// maxCallStack is how deep JavaScript functions may call each other.
	maxCallStack = 4000
	// maxCompiled is how many expressions a runtime keeps compiled.
	maxCompiled = 1000
	// maxMatch is how long a regular expression that needs backtracking may run.
	maxMatch = 200 * time.Millisecond
	// maxPlanDepth is how deep an expression may be nested that Go evaluates itself: less than maxDepth, so that the
	// bound needs no counting.
	maxPlanDepth = 40
	// maxText is how long an expression may be: definitions are at most 1 MB.
	maxText = 1 << 20
)
