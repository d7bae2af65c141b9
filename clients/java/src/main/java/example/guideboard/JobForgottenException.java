package example.guideboard;

/**
 * The server knew the job and does not know it any more: it was restarted, or has forgotten it. What the job made stands among the retained runs.
 */
public final class JobForgottenException extends NotFoundException {
  private static final long serialVersionUID = 1L;

  JobForgottenException(GuideBoardException from) {
    super(from.code(), "the server no longer knows the job: " + from.getMessage(), from.details(), from);
  }
}
