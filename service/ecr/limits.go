package ecr

// Limits of ECR. https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
const (
	maxRepositories = 100_000 // of an account and region
	maxTags         = 50      // of a repository
	maxTagKey       = 128     // characters
	maxTagValue     = 256
	maxRules        = 50  // of a lifecycle policy
	maxPriority     = 999 // of a rule
	defaultPage     = 100 // https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html
)
