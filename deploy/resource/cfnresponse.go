package resource

import _ "embed"

// The modules that CloudFormation puts beside inline code, so that it can answer for a custom resource:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html
// They are our own, with the documented interface.
var (
	//go:embed cfnresponse/cfnresponse.py
	responsePython string
	//go:embed cfnresponse/index.js
	responseNode string
)
