package resource

import (
	"errors"
	"strings"
)

// maxDestinationName is that of names of connections and API destinations.
const maxDestinationName = 64

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Events.html
var destinationKinds = map[string]*Kind{
	"AWS::Events::Connection":     {Create: createConnection, Update: updateConnection, Delete: deleteConnection, Replaces: []string{"Name"}, Name: "Name"},
	"AWS::Events::ApiDestination": {Create: createDestination, Update: updateDestination, Delete: deleteDestination, Replaces: []string{"Name"}, Name: "Name"},
}

func createConnection(o *Op) error {
	if o.Physical == "" {
		o.Physical = o.name("Name", maxDestinationName)
		if _, err := o.call("eventbridge", "CreateConnection", o.properties("Name", o.Physical)); o.made(err) != nil {
			o.Physical = ""
			return err
		}
	}
	return o.connected()
}

// connected waits until a connection is authorized.
func (o *Op) connected() error {
	out, err := o.call("eventbridge", "DescribeConnection", input("Name", o.Physical))
	if err != nil {
		return err
	}
	o.attribute(textOf(out, "ConnectionArn"))
	o.Attributes["SecretArn"] = textOf(out, "SecretArn")
	switch textOf(out, "ConnectionState") {
	case "AUTHORIZING":
		return &Pending{readyPoll}
	case "DEAUTHORIZED":
		return errors.New("the connection could not be authorized: " + textOf(out, "StateReason"))
	}
	return nil
}

// attribute sets the ARN of a connection or API destination, with and without the id that it ends in.
func (o *Op) attribute(arn string) {
	o.Attributes["Arn"] = arn
	o.Attributes["ArnForPolicy"] = arn[:max(strings.LastIndexByte(arn, '/'), 0)]
}

func updateConnection(o *Op) error {
	_, err := o.call("eventbridge", "UpdateConnection", o.properties("Name", o.Physical))
	return err
}

func deleteConnection(o *Op) error {
	return ignoreGone(o.do("eventbridge", "DeleteConnection", "Name", o.Physical))
}

func createDestination(o *Op) error {
	o.Physical = o.name("Name", maxDestinationName)
	if _, err := o.call("eventbridge", "CreateApiDestination", o.properties("Name", o.Physical)); o.made(err) != nil {
		return err
	}
	out, err := o.call("eventbridge", "DescribeApiDestination", input("Name", o.Physical))
	if err != nil {
		return err
	}
	o.attribute(textOf(out, "ApiDestinationArn"))
	return nil
}

func updateDestination(o *Op) error {
	_, err := o.call("eventbridge", "UpdateApiDestination", o.properties("Name", o.Physical))
	return err
}

func deleteDestination(o *Op) error {
	return ignoreGone(o.do("eventbridge", "DeleteApiDestination", "Name", o.Physical))
}
