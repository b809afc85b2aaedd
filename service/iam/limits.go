package iam

// Quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxUsers    = 5000
	maxGroups   = 300
	maxRoles    = 1000
	maxProfiles = 1000
	maxPolicies = 1500

	maxKeysPerUser     = 2
	maxGroupsPerUser   = 10
	maxAttached        = 10 // managed policies of a user, group or role
	maxVersions        = 5
	maxTags            = 50
	maxRolesPerProfile = 1

	// Sizes in characters without white space.
	maxUserInline  = 2048
	maxGroupInline = 5120
	maxRoleInline  = 10240
	maxPolicySize  = 6144
	maxTrustSize   = 2048

	defaultSession = 3600 // seconds: MaxSessionDuration of a role that states none

	defaultPage = 100 // MaxItems when absent
	// scanPage bounds the entities that one page of a filtered listing looks at.
	scanPage = 1000
)
