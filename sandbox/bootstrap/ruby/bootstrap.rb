# The Lambda runtime for Ruby: takes events from the Runtime API, calls the handler, gives its answer back.
#
# What a function sees follows https://docs.aws.amazon.com/lambda/latest/dg/ruby-handler.html, ruby-context.html,
# ruby-logging.html and ruby-exceptions.html.
# frozen_string_literal: true

require 'json'
require 'socket'

module Brume
  VERSION = '/2018-06-01/runtime/'

  # The Runtime API is not there any more.
  class Gone < StandardError; end

  # A client of the Runtime API on one kept-open connection.
  class Api
    def initialize(address)
      @address = address
      @host, _, @port = address.rpartition(':')
    end

    def next
      status, headers, body = request('GET', 'invocation/next', '')
      raise Gone if status != 200

      [headers, body]
    end

    def post(path, body, type = nil)
      extra = "Content-Type: application/json\r\n"
      extra += "Lambda-Runtime-Function-Error-Type: #{type.gsub(/[^\x20-\x7e]/, '?')}\r\n" if type
      request('POST', path, body, extra)
    end

    private

    def request(method, path, body, extra = '')
      head = "#{method} #{VERSION}#{path} HTTP/1.1\r\nHost: #{@address}\r\n#{extra}Content-Length: #{body.bytesize}\r\n\r\n"
      tries = 0
      begin
        unless @socket
          @socket = TCPSocket.new(@host, Integer(@port))
          @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
        end
        @socket.write(head.b + body.b)
        reply
      rescue SystemCallError, IOError
        @socket&.close
        @socket = nil
        raise Gone if (tries += 1) == 2

        retry
      end
    end

    def line
      @socket.gets("\r\n", chomp: true) or raise EOFError
    end

    def reply
      status = Integer(line.split(' ', 3)[1])
      headers = {}
      until (text = line).empty?
        name, value = text.split(':', 2)
        headers[name.downcase] = value.strip
      end
      [status, headers, @socket.read(Integer(headers.fetch('content-length', '0')))]
    end
  end

  # What a handler is told of its invocation.
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
                :memory_limit_in_mb, :function_version, :identity, :client_context, :deadline_ms, :tenant_id

    def initialize(headers)
      @aws_request_id = headers['lambda-runtime-aws-request-id']
      @invoked_function_arn = headers['lambda-runtime-invoked-function-arn']
      @deadline_ms = Integer(headers.fetch('lambda-runtime-deadline-ms', '0'))
      @tenant_id = headers['lambda-runtime-aws-tenant-id']
      @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
      @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
      @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
      @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
      @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
      @identity = JSON.parse(headers['lambda-runtime-cognito-identity']) if headers['lambda-runtime-cognito-identity']
      @client_context = JSON.parse(headers['lambda-runtime-client-context']) if headers['lambda-runtime-client-context']
    end

    def get_remaining_time_in_millis
      [@deadline_ms - (Time.now.to_f * 1000).to_i, 0].max
    end
  end

  # The function that a handler string names.
  class Handler
    def initialize(name)
      parts = name.split('.')
      unless [2, 3].include?(parts.length)
        raise ArgumentError, "Invalid handler #{name}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD " \
                             'where FILENAME corresponds with an existing Ruby source file FILENAME.rb, CLASS is an optional ' \
                             'module/class namespace and METHOD is a callable method. If using CLASS, METHOD must be a class-level method.'
      end
      require parts[0]
      @method = parts[-1]
      @object = parts.length == 3 ? Kernel.const_get(parts[1]) : TOPLEVEL_BINDING.receiver
      return if @object.respond_to?(@method, true)

      raise NameError, "undefined method `#{@method}' for handler #{name}"
    end

    def call(event, context)
      @object.send(@method, event: event, context: context)
    end
  end

  module_function

  # document describes an error; where is "Function", "Init" or "Runtime".
  def document(error, where)
    stack = (error.backtrace || []).reject { |f| f.start_with?(__FILE__) || f.include?('kernel_require.rb') }
    { errorMessage: error.message.dup.force_encoding('UTF-8').scrub, errorType: "#{where}<#{error.class}>", stackTrace: stack }
  end

  # log writes a message as one log event.
  def log(message)
    $stderr.puts(message.tr("\n", "\r"))
  end

  def report(api, path, error, where)
    doc = document(error, where)
    log(JSON.generate(doc))
    api.post(path, JSON.generate(doc), doc[:errorType])
  end

  def serve(api, handler)
    loop do
      headers, body = api.next
      id = headers['lambda-runtime-aws-request-id']
      ENV['_X_AMZN_TRACE_ID'] = headers['lambda-runtime-trace-id']
      begin
        answer = JSON.generate(handler.call(JSON.parse(body.force_encoding('UTF-8')), Context.new(headers)))
      rescue NoMemoryError, SystemExit
        raise
      rescue Exception => e # whatever the function raises is its error
        report(api, "invocation/#{id}/error", e, 'Function')
        next
      end
      api.post("invocation/#{id}/response", answer)
    end
  end

  def main
    $stdout.sync = $stderr.sync = true
    api = Api.new(ENV['AWS_LAMBDA_RUNTIME_API'])
    root = ENV['LAMBDA_TASK_ROOT'] || '/var/task'
    $LOAD_PATH.unshift(root)
    begin
      handler = Handler.new(ENV['_HANDLER'] || '')
    rescue Exception => e # likewise
      report(api, 'init/error', e, 'Init')
      exit!(1)
    end
    serve(api, handler)
  rescue Gone
    exit!(1)
  end
end

Brume.main
