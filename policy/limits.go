package policy

// Limits of policy documents that hold for every kind. Sizes per entity are quotas of the services that store the
// documents: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	// maxDepth bounds the nesting that the parser follows; the deepest valid document needs 6.
	maxDepth = 16
	// arnParts is the number of colon-delimited components of an ARN.
	arnParts = 6
)

// Versions of the policy language:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
const (
	// Version2012 is the current version, the only one with policy variables.
	Version2012 = "2012-10-17"
	// Version2008 is what a document without a Version is taken for.
	Version2008 = "2008-10-17"
)
