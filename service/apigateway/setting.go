package apigateway

import (
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
)

// splitSetting takes the path of a method setting apart: where, "{resource}/{method}" as it is the key of the settings,
// and which setting; that is empty for all of them, which remove takes.
func splitSetting(path string) (where, setting string, ok bool) {
	parts := splitPointer(path)
	n := len(parts)
	isVerb := func(s string) bool { return s == "*" || slices.Contains(verbs(), s) && s != "ANY" }
	if n >= 4 && isVerb(parts[n-3]) {
		switch setting := parts[n-2] + "/" + parts[n-1]; setting {
		case "metrics/enabled", "logging/dataTrace", "logging/loglevel", "throttling/burstLimit", "throttling/rateLimit", "caching/ttlInSeconds",
			"caching/enabled", "caching/dataEncrypted", "caching/requireAuthorizationForCacheControl", "caching/unauthorizedCacheControlHeaderStrategy":
			return strings.Join(parts[:n-2], "/"), setting, true
		}
	}
	if n >= 2 && isVerb(parts[n-1]) {
		return strings.Join(parts, "/"), "", true
	}
	return "", "", false
}

// defaultSetting is what the settings of a method begin with.
func defaultSetting() apigatewayapi.MethodSetting {
	off, off2, off3, off4, off5 := false, false, false, true, false
	level, ttl, burst, rate := "OFF", int32(300), int32(accountBurst), accountRate
	return apigatewayapi.MethodSetting{MetricsEnabled: &off, LoggingLevel: &level, DataTraceEnabled: &off2, ThrottlingBurstLimit: &burst,
		ThrottlingRateLimit: &rate, CachingEnabled: &off3, CacheTtlInSeconds: &ttl, CacheDataEncrypted: &off5,
		RequireAuthorizationForCacheControl:    &off4,
		UnauthorizedCacheControlHeaderStrategy: apigatewayapi.UnauthorizedCacheControlHeaderStrategySucceedWithResponseHeader}
}

func patchSetting(st *apigatewayapi.Stage, where, setting string, op apigatewayapi.PatchOperation) error {
	if op.Op == apigatewayapi.OpRemove {
		delete(st.MethodSettings, where)
		return nil
	}
	if setting == "" || op.Op != apigatewayapi.OpReplace && op.Op != apigatewayapi.OpAdd {
		return bad("Invalid patch path  '%s' specified for op '%s'. Please choose supported operations", text(op.Path), op.Op)
	}
	m, ok := st.MethodSettings[where]
	if !ok {
		m = defaultSetting()
	}
	if err := setSetting(&m, setting, text(op.Value)); err != nil {
		return err
	}
	if st.MethodSettings == nil {
		st.MethodSettings = map[string]apigatewayapi.MethodSetting{}
	}
	st.MethodSettings[where] = m
	return nil
}

func setSetting(m *apigatewayapi.MethodSetting, setting, value string) error {
	var to **bool
	switch setting {
	case "metrics/enabled":
		to = &m.MetricsEnabled
	case "logging/dataTrace":
		to = &m.DataTraceEnabled
	case "caching/enabled":
		to = &m.CachingEnabled
	case "caching/dataEncrypted":
		to = &m.CacheDataEncrypted
	case "caching/requireAuthorizationForCacheControl":
		to = &m.RequireAuthorizationForCacheControl
	case "caching/unauthorizedCacheControlHeaderStrategy":
		if !slices.Contains(m.UnauthorizedCacheControlHeaderStrategy.EnumValues(), value) {
			return bad("Invalid value for unauthorizedCacheControlHeaderStrategy: %s", value)
		}
		m.UnauthorizedCacheControlHeaderStrategy = apigatewayapi.UnauthorizedCacheControlHeaderStrategy(value)
		return nil
	case "logging/loglevel":
		if value != "OFF" && value != "ERROR" && value != "INFO" {
			return bad("Invalid logging level. Valid values are [OFF, ERROR, INFO]")
		}
		m.LoggingLevel = &value
		return nil
	case "throttling/rateLimit":
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || f < -1 {
			return bad("Invalid throttling rate limit: %s", value)
		}
		m.ThrottlingRateLimit = &f
		return nil
	default:
		n, err := readInt("/"+setting, value)
		if err != nil {
			return err
		}
		if setting == "throttling/burstLimit" {
			m.ThrottlingBurstLimit = &n
			return nil
		}
		if n < 0 || n > 3600 {
			return bad("Invalid cache TTL: it is between 0 and 3600 seconds")
		}
		m.CacheTtlInSeconds = &n
		return nil
	}
	b, err := readBool("/"+setting, value)
	*to = &b
	return err
}
