package brume;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import java.util.LinkedHashMap;
import java.util.Map;

/** The context of an invocation. */
final class Invocation implements Context {
    private final Map<String, String> headers;

    Invocation(Map<String, String> headers) {
        this.headers = headers;
    }

    private Map<?, ?> document(String header) {
        String text = headers.get(header);
        return text == null ? null : (Map<?, ?>) Json.parse(text);
    }

    private static String member(Map<?, ?> m, String name) {
        Object v = m == null ? null : m.get(name);
        return v == null ? null : v.toString();
    }

    private static Map<String, String> texts(Object v) {
        if (!(v instanceof Map)) {
            return null;
        }
        Map<String, String> out = new LinkedHashMap<>();
        for (Map.Entry<?, ?> e : ((Map<?, ?>) v).entrySet()) {
            out.put(e.getKey().toString(), e.getValue() == null ? null : e.getValue().toString());
        }
        return out;
    }

    @Override
    public String getAwsRequestId() {
        return headers.get("lambda-runtime-aws-request-id");
    }

    @Override
    public String getLogGroupName() {
        return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
    }

    @Override
    public String getLogStreamName() {
        return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
    }

    @Override
    public String getFunctionName() {
        return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
    }

    @Override
    public String getFunctionVersion() {
        return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
    }

    @Override
    public String getInvokedFunctionArn() {
        return headers.get("lambda-runtime-invoked-function-arn");
    }

    @Override
    public CognitoIdentity getIdentity() {
        Map<?, ?> m = document("lambda-runtime-cognito-identity");
        return new CognitoIdentity() {
            @Override
            public String getIdentityId() {
                return member(m, "cognitoIdentityId");
            }

            @Override
            public String getIdentityPoolId() {
                return member(m, "cognitoIdentityPoolId");
            }
        };
    }

    @Override
    public ClientContext getClientContext() {
        Map<?, ?> m = document("lambda-runtime-client-context");
        if (m == null) {
            return null;
        }
        Map<?, ?> client = m.get("client") instanceof Map ? (Map<?, ?>) m.get("client") : null;
        return new ClientContext() {
            @Override
            public Client getClient() {
                return client == null ? null : new AppClient(client);
            }

            @Override
            public Map<String, String> getCustom() {
                return texts(m.get("custom"));
            }

            @Override
            public Map<String, String> getEnvironment() {
                return texts(m.get("env"));
            }
        };
    }

    private static final class AppClient implements Client {
        private final Map<?, ?> m;

        AppClient(Map<?, ?> m) {
            this.m = m;
        }

        @Override
        public String getInstallationId() {
            return member(m, "installation_id");
        }

        @Override
        public String getAppTitle() {
            return member(m, "app_title");
        }

        @Override
        public String getAppVersionName() {
            return member(m, "app_version_name");
        }

        @Override
        public String getAppVersionCode() {
            return member(m, "app_version_code");
        }

        @Override
        public String getAppPackageName() {
            return member(m, "app_package_name");
        }
    }

    @Override
    public int getRemainingTimeInMillis() {
        return (int) (Long.parseLong(headers.getOrDefault("lambda-runtime-deadline-ms", "0")) - System.currentTimeMillis());
    }

    @Override
    public int getMemoryLimitInMB() {
        return Integer.parseInt(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
    }

    @Override
    public LambdaLogger getLogger() {
        return LambdaRuntime.getLogger();
    }

    @Override
    public String getXrayTraceId() {
        return headers.get("lambda-runtime-trace-id");
    }
}
